"""``/users`` over HTTP."""

from ...call import NO_CONTENT, Answer, Call
from ...directory.objects import DirectoryObject, OrderedIds
from ...errors import bad_request, denied
from ...listing import Visible
from ...routing import Route
from .. import permissions as may
from ..answers import collection, one
from ..links import changed, listed
from ..lookup import need_user, sees
from . import model


def _seen(call: Call) -> Visible | None:
    _check_sign_in_activity(call)
    name = "advanced_list" if call.query.is_advanced else "users_list"
    return sees(call.world, name, getattr(call.world.settings.replication, name))


def get_user(call: Call) -> Answer:
    _check_sign_in_activity(call)
    return one(call, need_user(call))


def get_me(call: Call) -> Answer:
    if call.who.is_app:
        raise bad_request("/me request is only valid with delegated authentication flow.", "BadRequest")
    return one(call, need_user(call, call.who.object_id))


def update_user(call: Call) -> Answer:
    key = call.keys["user"]
    # With the lesser permission an account is switched on and off, and nothing else of it is written.
    if set(call.json()) - {"accountEnabled"} and not call.holds(may.USER_WRITE):
        raise denied()
    user = call.world.directory.find_user(key)
    if user is not None and "accountEnabled" in call.json() and model.is_guarded(call.world, user, call.who):
        raise denied()
    # Writing has a window of its own: it may fail when reading works, and the other way round.
    model.update(call.world, need_user(call) if user is None else user, call.json())
    return NO_CONTENT


def delete_user(call: Call) -> Answer:
    user = need_user(call)
    if model.is_guarded(call.world, user, call.who):
        raise denied()
    call.world.directory.delete(user)
    return NO_CONTENT


def _add_sponsor(call: Call, user: DirectoryObject, sponsor: DirectoryObject) -> None:
    model.add_sponsor(call.world, user, sponsor)


def _remove_sponsor(call: Call, user: DirectoryObject, id_: str) -> None:
    model.remove_sponsor(call.world, user, id_)


def _sponsors(call: Call) -> OrderedIds:
    return call.world.directory.sponsors.of(need_user(call).id)


def _owned(call: Call) -> OrderedIds:
    return call.world.directory.owners.to(need_user(call).id)


def _check_sign_in_activity(call: Call) -> None:
    """signInActivity needs AuditLog.Read.All besides (graph contract "Permissions")."""
    if "signInActivity" in call.query.select and not call.who.may("AuditLog.Read.All"):
        raise denied()


_USER, _SPONSORS = "/users/{user}", "/users/{user}/sponsors"
ROUTES: tuple[Route, ...] = (
    *collection("user", may.USER_READ, units=2, seen=_seen),
    Route("GET", _USER, get_user, may.USER_READ),
    Route("PATCH", _USER, update_user, (*may.USER_WRITE, *may.USER_ENABLE)),
    Route("DELETE", _USER, delete_user, may.USER_DELETE),
    *listed(_SPONSORS, _sponsors, may.USER_READ, counted=False),
    *changed(_SPONSORS, "sponsor", need_user, may.USER_WRITE, add=_add_sponsor, remove=_remove_sponsor),
    *listed(f"{_USER}/ownedObjects", _owned, may.USER_READ, casts=(None, "group"), counted=False),
    Route("GET", "/me", get_me),
)
