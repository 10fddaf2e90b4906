"""Who may do what with what they see: `visible_to` of the querysets says what that is."""

from __future__ import annotations

from django.db.models import prefetch_related_objects

from video_classifier.models import Analysis, Camera, Clip, Feed, Membership, SavedView, Store
from video_classifier.querysets import CASE_WORKERS, DELETE_CLIPS, UPLOADERS, Visitor
from video_classifier.states import Role

MAY_NOT_UPLOAD = (
    "Your account may look at results, but not upload or analyze clips. Ask an administrator to "
    "make you an analyst of your store."
)
NO_STORE = (
    "Your account belongs to no store yet, so there is nothing for you to see. Ask an "
    "administrator to make you a member of your store."
)
MAY_NOT_MANAGE = (
    "Only managers of a store may add and change its live cameras. Ask an administrator to make "
    "you one."
)
MAY_NOT_MEASURE = (
    "Only managers of a store may measure its cameras and note acts for a test. Ask an "
    "administrator to make you one."
)
MAY_NOT_CHANGE_VERSIONS = (
    "Only managers of a store may see and change which version of a model it uses. Ask an "
    "administrator to make you one."
)
MAY_NOT_ALERT = (
    "Only managers of a store may see and choose where its alerts go. Ask an administrator to make "
    "you one."
)
MAY_NOT_WORK_ON_CASES = (
    "Only reviewers and managers of a store work on its cases. Ask an administrator to make you "
    "one."
)
MAY_NOT_DELETE_CASES = (
    "Only managers of a store may delete its cases. Close the case instead: what is in it stays "
    "held."
)
MAY_NOT_DELETE_VIEW = (
    "Only the person who saved a view, and managers of the store that it is shared in, may delete "
    "it."
)
MAY_NOT_AUDIT = (
    "Only managers of a store may read what the audit log has of it. Ask an administrator to make "
    "you one."
)
MAY_NOT_KEEP = (
    "Only managers of a store may choose for how long its footage is kept. Ask an administrator to "
    "make you one."
)
MAY_NOT_ANSWER_FOR_DATA = (
    "Only superusers see what personal data there is, export it and erase it. Ask an administrator "
    "to do it, or to make you one."
)
NO_STORE_AT_ALL = "There is no store yet. Add one in the administration."


def may_analyze(user: Visitor, clip: Clip) -> bool:
    """Whether `user` may analyze the clip again: those who may upload to its store."""
    return not _roles(user, clip).isdisjoint(UPLOADERS)


def may_delete(user: Visitor, clip: Clip) -> bool:
    """Into the trash and out of it, as ClipQuerySet.deletable_by says it of many.

    Being staff does not suffice.
    """
    roles = _roles(user, clip)
    own = user.is_authenticated and clip.uploaded_by_id == user.pk
    if Role.MANAGER in roles or (own and Role.ANALYST in roles):
        return True
    return bool(roles) and user.has_perm(DELETE_CLIPS)


def may_cancel(user: Visitor, analysis: Analysis) -> bool:
    """The person who asked for it, and those who may delete its clip."""
    asked_for_it = user.is_authenticated and analysis.requested_by_id == user.pk
    return asked_for_it or may_delete(user, analysis.clip)


def may_purge(user: Visitor) -> bool:
    """For good, what they see: neither the uploader nor a manager, as footage may be evidence."""
    return user.has_perm(DELETE_CLIPS)


def why_no_upload(user: Visitor) -> str:
    """To somebody to whom no store is open: why, and whom to ask."""
    if user.is_superuser:
        return NO_STORE_AT_ALL
    return MAY_NOT_UPLOAD if _memberships(user) else NO_STORE


def why_empty(user: Visitor) -> str:
    """To somebody who belongs to no store: why they see nothing. "" to everybody else."""
    return "" if user.is_superuser or _memberships(user) else NO_STORE


def sees_several_stores(user: Visitor) -> bool:
    """Whether pages have to say of which store a clip is."""
    if user.is_superuser:
        return len(Store.objects.visible_to(user)[:2]) > 1
    return len({each.store_id for each in _memberships(user)}) > 1


def sees_live_cameras(user: Visitor) -> bool:
    """Whether a camera is watched in one of the user's stores."""
    return Feed.objects.visible_to(user).enabled().exists()


def manages_a_store(user: Visitor) -> bool:
    """Whether `user` may add a camera or a channel anywhere."""
    return user.is_superuser or any(each.role == Role.MANAGER for each in _memberships(user))


def may_manage(user: Visitor, camera: Camera) -> bool:
    """Whether `user` may see and change how the camera is watched live."""
    return Role.MANAGER in _roles_in(user, camera.store_id)


def works_on_cases(user: Visitor) -> bool:
    """Whether `user` may open a case anywhere."""
    return user.is_superuser or any(each.role in CASE_WORKERS for each in _memberships(user))


def works_on_cases_of(user: Visitor, store: int) -> bool:
    """Whether `user` works on the cases of that store, as CaseQuerySet.open_to says it of many."""
    return not _roles_in(user, store).isdisjoint(CASE_WORKERS)


def manages(user: Visitor, store: int) -> bool:
    """Whether `user` may delete the cases of that store, and see who looked at its footage."""
    return Role.MANAGER in _roles_in(user, store)


def may_delete_view(user: Visitor, view: SavedView) -> bool:
    """Its owner, and managers of the store that it is shared in: its owner may have left."""
    if view.owner_id == user.pk:
        return True
    return view.shared_in_id is not None and manages(user, view.shared_in_id)


def _roles(user: Visitor, clip: Clip) -> set[str]:
    """The roles of `user` in the clip's store."""
    return _roles_in(user, clip.store_id)


def _roles_in(user: Visitor, store: int) -> set[str]:
    if user.is_superuser:
        return set(Role.values)
    return {each.role for each in _memberships(user) if each.store_id == store}


def _memberships(user: Visitor) -> list[Membership]:
    """Asks the database once a request, however many rows."""
    if user.pk is None:
        return []
    prefetch_related_objects([user], "memberships")
    return list(user.memberships.all())
