"""An imported model lies in DATA_DIR and is offered beside those that come with the site."""

from __future__ import annotations

import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests import buckets
from tests.buckets import Service
from tests.conftest import MakeAnalysis, MakeModel
from tests.makers.feeds import make_feed
from video_classifier.integrations.bucket import Bucket
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.keras_import import Format
from video_classifier.ml.training import export
from video_classifier.models import Feed
from video_classifier.services import catalog, confidence, model_imports, stored_models
from video_classifier.services.errors import Refused
from video_classifier.states import Status

s3, bucket = buckets.s3, buckets.bucket


@pytest.fixture
def imported(make_model: MakeModel) -> Path:
    """A folder as an import leaves it."""
    catalog.imported().mkdir()
    return make_model("theirs").rename(catalog.imported() / "theirs")


def import_model(source: Path, name: str = "theirs", *, replace: bool = False) -> None:
    model_imports.import_model(source, name, given=Format(), replace=replace)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    import keras
    from keras import layers

    clip = keras.Input((4, 8, 8, 3))
    color = layers.GlobalAveragePooling3D()(clip)
    network = keras.Model(clip, layers.Dense(1, activation="sigmoid")(color))
    network.save(tmp_path / "best_model.keras")
    return tmp_path / "best_model.keras"


def test_models_of_both_places_are_offered(make_model: MakeModel, imported: Path) -> None:
    make_model("shipped")

    assert [choice.name for choice in catalog.available()] == ["shipped", "theirs"]
    assert catalog.usable("theirs").name == "theirs"
    assert catalog.folder("theirs") == imported


def test_what_comes_with_the_site_wins(make_model: MakeModel, imported: Path) -> None:
    shipped = make_model(imported.name, threshold=0.4)

    assert [choice.name for choice in catalog.available()] == [imported.name]
    assert catalog.folder(imported.name) == shipped


def test_the_card_of_an_imported_model_is_found(
    make_analysis: MakeAnalysis, imported: Path
) -> None:
    weights = sha256(imported / bundle.NETWORK_FILE)

    analysis = make_analysis(status=Status.DONE, model="theirs", model_sha256=weights)

    assert confidence.card_of(analysis) == bundle.read_card(imported)
    assert confidence.of(analysis) is None


def test_an_imported_model_is_offered_as_not_measured(client: Client, imported: Path) -> None:
    html = client.get("/").content.decode()

    assert f'value="{imported.name}"' in html
    assert "Not measured: how well it does" in html


@pytest.mark.keras
def test_an_import_leaves_the_model_and_nothing_else(source: Path) -> None:
    import_model(source)

    assert sorted(path.name for path in settings.DATA_DIR.iterdir()) == ["models", "uploads"]
    assert sorted(path.name for path in catalog.folder("theirs").iterdir()) == [
        bundle.CARD_FILE,
        bundle.NETWORK_FILE,
    ]
    assert not settings.MODELS_STORAGE.exists()
    assert catalog.usable("theirs").confidence is None


@pytest.mark.keras
def test_what_is_imported_by_the_command_is_served_without_tensorflow(source: Path) -> None:
    printed = StringIO()

    call_command("import_model", source, "--name", "theirs", stdout=printed)

    assert "its export gives the same scores" in printed.getvalue()
    assert catalog.usable("theirs").serving is not None


@pytest.mark.keras
@pytest.mark.django_db
def test_where_files_are_in_a_bucket_an_import_is_used_on_other_machines(
    bucket: Bucket, s3: Service, source: Path, settings: Settings, tmp_path: Path
) -> None:
    feed = make_feed(model="theirs")
    s3.fault, s3.only = "500", "PUT"
    with pytest.raises(CommandError, match="does not answer"):
        call_command("import_model", source, "--name", "theirs", stdout=StringIO())
    assert catalog.names() == ()
    s3.fault = ""

    call_command("import_model", source, "--name", "theirs", stdout=StringIO())
    with pytest.raises(CommandError, match="There is a model “theirs” already"):
        call_command("import_model", source, "--name", "theirs", stdout=StringIO())

    assert sorted(each.name.split("/")[-1] for each in bucket.entries("models/theirs")) == [
        bundle.CARD_FILE,
        bundle.NETWORK_FILE,
        "network.tflite",
    ]
    assert not catalog.imported().exists()
    settings.DATA_DIR = tmp_path
    assert catalog.usable("theirs").serving is not None
    before = Feed.objects.get(pk=feed.pk).revision
    import_model(source, replace=True)  # what its watcher has loaded is of before
    assert catalog.usable("theirs").serving is None
    assert Feed.objects.get(pk=feed.pk).revision == before + 1


@pytest.mark.keras
def test_an_import_whose_export_differs_is_served_by_keras(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_DIFFERENCE", -1.0)
    printed = StringIO()

    call_command("import_model", source, "--name", "theirs", stdout=printed)

    assert "isn't exported: in LiteRT its scores differ" in printed.getvalue()
    assert "Keras serves it." in printed.getvalue()
    assert catalog.usable("theirs").serving is None


@pytest.mark.keras
def test_an_import_replaces_another_only_when_asked(source: Path, imported: Path) -> None:
    before = sha256(imported / bundle.NETWORK_FILE)

    with pytest.raises(Refused, match="There is a model “theirs” already"):
        import_model(source)
    assert sha256(imported / bundle.NETWORK_FILE) == before

    import_model(source, replace=True)
    assert catalog.usable("theirs").training["imported"]["file"] == source.name


@pytest.mark.keras
def test_a_file_of_no_use_leaves_what_was_there(tmp_path: Path, imported: Path) -> None:
    (tmp_path / "broken.keras").write_text("buy milk")

    with pytest.raises(Refused, match=r"broken\.keras can't be imported"):
        import_model(tmp_path / "broken.keras", replace=True)
    assert bundle.check(imported).name == "theirs"
    assert sorted(path.name for path in settings.DATA_DIR.iterdir()) == [
        "models",
        "models_storage",
        "uploads",
    ]


@pytest.mark.django_db
def test_an_import_is_removed_unless_it_is_in_use(imported: Path, make_model: MakeModel) -> None:
    make_model("shipped")
    feed = make_feed(model="theirs", is_enabled=True)

    with pytest.raises(CommandError, match="“theirs” is in use"):
        call_command("remove_model", "theirs")
    feed.delete()
    with pytest.raises(CommandError, match="“shipped” comes with the site"):
        call_command("remove_model", "shipped")
    with pytest.raises(CommandError, match="no model “theirs/1” that was imported"):
        call_command("remove_model", "theirs/1")
    assert bundle.check(imported).name == "theirs"


@pytest.mark.django_db
@pytest.mark.parametrize("is_stored", [True, False])
def test_what_is_removed_goes_with_its_files(
    bucket: Bucket,
    imported: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    *,
    is_stored: bool,
) -> None:
    if is_stored:
        with stored_models.going_with_rows(stored_models.stored(imported, "theirs")):
            pass
        shutil.rmtree(imported)
    assert catalog.names() == ("theirs",)

    with django_capture_on_commit_callbacks(execute=True):
        call_command("remove_model", "theirs", stdout=StringIO())

    assert catalog.names() == ()
    assert list(bucket.entries("models")) == []
    assert not imported.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", ".hidden", "a b", "é", "n" * 51])
def test_a_name_that_is_no_folder_s_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="can't be a model's name"):
        import_model(tmp_path / "best_model.keras", name)


def test_a_name_that_comes_with_the_site_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    make_model("shipped")

    with pytest.raises(Refused, match="“shipped” comes with the site"):
        import_model(tmp_path / "best_model.keras", "shipped", replace=True)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"There is no file .*gone\.keras"):
        import_model(tmp_path / "gone.keras")
