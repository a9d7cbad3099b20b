"""``/users`` over HTTP."""

from ...call import NO_CONTENT, Answer, Call
from ...delta import delta
from ...directory.objects import DirectoryObject, OrderedIds
from ...errors import bad_request, denied
from ...expanding import expanding
from ...listing import count_kind, list_kind, list_links
from ...odata.shapes import checked_select, context, show
from ...routing import Route
from .. import permissions as may
from ..lookup import need_user, reference_in, referenced, sees
from . import model


def list_users(call: Call) -> Answer:
    _check_sign_in_activity(call)
    windows = call.world.settings.replication
    is_advanced = call.query.is_advanced
    window = windows.advanced_list if is_advanced else windows.users_list
    visible = sees(call.world, "advanced_list" if is_advanced else "users_list", window)
    return list_kind(call, call.world.directory.users, visible)


def count_users(call: Call) -> Answer:
    return count_kind(call, call.world.directory.users)


def users_delta(call: Call) -> Answer:
    return delta(call, call.world.directory.users)


def get_user(call: Call) -> Answer:
    _check_sign_in_activity(call)
    return _one(call, need_user(call))


def get_me(call: Call) -> Answer:
    if call.who.is_app:
        raise bad_request("/me request is only valid with delegated authentication flow.", "BadRequest")
    return _one(call, need_user(call, call.who.object_id))


def update_user(call: Call) -> Answer:
    key = call.keys["user"]
    # With the lesser permission an account is switched on and off, and nothing else of it is written.
    if set(call.json()) - {"accountEnabled"} and not any(n <= call.who.permissions for n in may.USER_WRITE):
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
    call.world.directory.delete_user(user)
    return NO_CONTENT


def list_sponsors(call: Call) -> Answer:
    return list_links(call, call.world.directory.sponsors.of(need_user(call).id))


def add_sponsor(call: Call) -> Answer:
    model.add_sponsor(call.world, need_user(call), referenced(call.world, reference_in(call)))
    return NO_CONTENT


def remove_sponsor(call: Call) -> Answer:
    model.remove_sponsor(call.world, need_user(call), call.keys["sponsor"])
    return NO_CONTENT


def list_member_of(call: Call) -> Answer:
    return _holders(call, need_user(call), transitive=False)


def list_transitive_member_of(call: Call) -> Answer:
    return _holders(call, need_user(call), transitive=True)


def list_owned(call: Call) -> Answer:
    return list_links(call, call.world.directory.owners.to(need_user(call).id))


def list_owned_groups(call: Call) -> Answer:
    return list_links(call, call.world.directory.owners.to(need_user(call).id), cast="group")


def check_member_groups(call: Call) -> Answer:
    user, ids = need_user(call), model.checked_ids(call.json(), "groupIds")
    return _among(call, model.member_groups(call.world, user), ids)


def check_member_objects(call: Call) -> Answer:
    user, ids = need_user(call), model.checked_ids(call.json(), "ids")
    return _among(call, model.member_objects(call.world, user), ids)


def get_member_groups(call: Call) -> Answer:
    security_only = call.json().get("securityEnabledOnly") is True
    return _strings(call, model.member_groups(call.world, need_user(call), security_only=security_only))


def get_member_objects(call: Call) -> Answer:
    security_only = call.json().get("securityEnabledOnly") is True
    return _strings(call, model.member_objects(call.world, need_user(call), security_only=security_only))


def _holders(call: Call, user: DirectoryObject, *, transitive: bool) -> Answer:
    """Groups, administrative units and directory roles (Microsoft Graph, "List a user's direct memberships")."""
    holders = OrderedIds()
    for holder in call.world.directory.holders_of(user.id, transitive=transitive):
        holders.add(holder.id.lower())
    return list_links(call, holders)


def _among(call: Call, found: list[str], ids: list[str]) -> Answer:
    having = {id_.lower() for id_ in found}
    return _strings(call, [id_ for id_ in ids if id_.lower() in having])


def _strings(call: Call, values: list[str]) -> Answer:
    return Answer(200, {"@odata.context": f"{call.base_url}/$metadata#Collection(Edm.String)", "value": values})


def _one(call: Call, user: DirectoryObject) -> Answer:
    select, expand = checked_select("user", call.query.select), expanding(call, "user")
    body = {
        "@odata.context": context(call.base_url, "user", expand.projection(call.query.select), entity=True),
        **show(user, select),
        **expand.shown(call, user),
    }
    return Answer(200, body)


def _check_sign_in_activity(call: Call) -> None:
    """signInActivity needs AuditLog.Read.All besides (graph contract "Permissions")."""
    if "signInActivity" in call.query.select and not call.who.may("AuditLog.Read.All"):
        raise denied()


ROUTES: tuple[Route, ...] = (
    Route("GET", "/users", list_users, may.USER_READ, units=2),
    Route("GET", "/users/$count", count_users, may.USER_READ),
    Route("GET", "/users/delta", users_delta, may.USER_READ),
    Route("GET", "/users/{user}", get_user, may.USER_READ),
    Route("PATCH", "/users/{user}", update_user, (*may.USER_WRITE, *may.USER_ENABLE)),
    Route("DELETE", "/users/{user}", delete_user, may.USER_DELETE),
    Route("GET", "/users/{user}/sponsors", list_sponsors, may.USER_READ),
    Route("POST", "/users/{user}/sponsors/$ref", add_sponsor, may.USER_WRITE),
    Route("DELETE", "/users/{user}/sponsors/{sponsor}/$ref", remove_sponsor, may.USER_WRITE),
    Route("GET", "/users/{user}/memberOf", list_member_of, may.USER_MEMBER_OF, units=2),
    Route("GET", "/users/{user}/transitiveMemberOf", list_transitive_member_of, may.MEMBER_CHECK, units=5),
    Route("GET", "/users/{user}/ownedObjects", list_owned, may.USER_READ),
    Route("GET", "/users/{user}/ownedObjects/graph.group", list_owned_groups, may.USER_READ),
    Route("POST", "/users/{user}/checkMemberGroups", check_member_groups, may.MEMBER_CHECK, units=4),
    Route("POST", "/users/{user}/checkMemberObjects", check_member_objects, may.MEMBER_CHECK, units=4),
    Route("POST", "/users/{user}/getMemberGroups", get_member_groups, may.MEMBER_CHECK, units=2),
    Route("POST", "/users/{user}/getMemberObjects", get_member_objects, may.MEMBER_CHECK, units=2),
    Route("GET", "/me", get_me),
)
