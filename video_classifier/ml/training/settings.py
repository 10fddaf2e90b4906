"""Everything that decides how a network is trained, besides the clips."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.data.settings import check, setting
from video_classifier.ml.networks import precision


class Schedule(StrEnum):
    """The learning rate over the steps of a training."""

    CONSTANT = "constant"
    COSINE = "cosine"  # linear warmup, then down to 0: Loshchilov & Hutter, "SGDR", ICLR 2017


class StopBy(StrEnum):
    """What ends a training and chooses the epoch whose weights are kept."""

    VALIDATION = "validation"  # the loss on a few people who are held back for it
    EPOCHS = "epochs"  # their number: nobody is held back, and the last epoch is kept


class ClassWeights(StrEnum):
    """How much the clips of each label count."""

    BALANCED = "balanced"  # both labels the same in total, see `weighting.sample_weights`
    PEOPLE = "people"  # besides, each person as much as any other, see `weighting.of_people`
    NONE = "none"  # every clip the same


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Raises ValueError for a value out of its range."""

    seed: int = setting(42, "for everything random", least=0)
    epochs: int = setting(60, "passes over the clips, at most", least=1)
    stop_by: StopBy = setting(
        StopBy.VALIDATION, "hold back a few people to stop by, or train on all for so many epochs"
    )
    patience: int = setting(
        12, "epochs without a lower validation loss before training stops", least=0
    )
    batch_size: int = setting(16, "clips in a step", least=1)
    learning_rate: float = setting(5e-4, "of AdamW; with a schedule, the highest", above=0)
    schedule: Schedule = setting(Schedule.CONSTANT, "of the learning rate, over all steps")
    weight_decay: float = setting(1e-2, "of AdamW", least=0)
    label_smoothing: float = setting(0.05, "share of a target that moves to 0.5", least=0, most=1)
    mixup: float = setting(0.4, "alpha of Zhang et al., mixup, ICLR 2018", above=0)
    ema_momentum: float = setting(
        0.98, "of the moving average of the weights: Polyak & Juditsky 1992", least=0, most=1
    )
    class_weights: ClassWeights = setting(
        ClassWeights.BALANCED,
        "balanced: both labels count the same, whatever their numbers; people: each person, too",
    )
    one_label: float = setting(
        0.25, "how much somebody with clips of one label counts, if people count", least=0, most=1
    )
    out_of_domain: float = setting(
        0.2,
        "share of their label's weight that clips from sources with one label get, if balanced",
        least=0,
        most=1,
    )
    augmented_copies: int = setting(
        24,
        "augmented copies of each clip for a frozen backbone; epochs take them in turn",
        least=1,
        option="--variants",
    )
    best_windows: int = setting(
        1, "of an event candidate: its score is the mean of so many", least=1
    )
    penalty: float = setting(
        100.0, "of a linear head's squared weights, beside the summed losses of windows", above=0
    )
    augmentation: Augmentation = field(default_factory=Augmentation)
    fine_tune: int = setting(
        0, "convolutions at the backbone's end to train after the head has converged", least=0
    )
    fine_tune_epochs: int = setting(10, "epochs of fine-tuning, at most", least=1)
    fine_tune_learning_rate: float = setting(1e-5, "of backbone and head together", above=0)
    precision: str = precision.PLAIN  # the name of a Keras dtype policy: the machine decides

    def __post_init__(self) -> None:
        check(self)
