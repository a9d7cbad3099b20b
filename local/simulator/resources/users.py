"""``/users``: guests and members read, changed and deleted; internal accounts made (external people come through
``/invitations``); sponsors and managers (graph contract "Users", Microsoft's v1.0 reference)."""

import re
from typing import Final

from ..audits import user_target
from ..call import NO_CONTENT, Answer, Call, Caller, Json
from ..clock import stamp
from ..errors import GraphError, already_exist, bad_request, check_required, denied, not_found, not_unique, synced
from ..listing import Visible
from ..objects import DirectoryObject, OrderedIds
from ..odata.shapes import check_values, checked_body
from ..registry import Credentials
from ..routing import Route
from ..world import World
from . import permissions as may
from .answers import changed, collection, created, linked, listed, one
from .lookup import need_user, reference_in, referenced, security_identifier, seen_once

_REQUIRED: Final = ("accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile")
_NAME: Final = re.compile(r"[A-Za-z0-9'._!#^~-]+@(?P<domain>[^@]+)")
_SHORTEST, _LONGEST, _KINDS = 8, 256, 3


def _seen(call: Call) -> Visible | None:
    _check_sign_in_activity(call)
    name = "advanced_list" if call.query.is_advanced else "users_list"
    return seen_once(call.world, name, getattr(call.world.settings.replication, name))


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
    if user is not None and "accountEnabled" in call.json() and _is_guarded(call.world, user, call.who):
        raise denied()
    # Writing has a window of its own: it may fail when reading works, and the other way round.
    _update(call.world, need_user(call) if user is None else user, call.json())
    return NO_CONTENT


def delete_user(call: Call) -> Answer:
    user = need_user(call)
    if _is_guarded(call.world, user, call.who):
        raise denied()
    call.world.directory.delete(user)
    return NO_CONTENT


def _update(world: World, user: DirectoryObject, body: Json) -> None:
    """Change properties; null clears. A repeat changes nothing. Raises GraphError: 404 while the new user cannot be
    written, 400 for a synced user or a bad property."""
    if world.new.hides(user.id, "users_patch", world.settings.replication.users_patch):
        text = "Unable to read the company information from the directory."
        raise GraphError(404, "Directory_ObjectNotFound", text)
    changes = checked_body(world.settings.odata, "user", body)
    check_values("user", changes)
    if user.get("onPremisesSyncEnabled"):
        raise synced()
    changes.pop("passwordProfile", None)
    world.directory.change(user, changes)


def _is_guarded(world: World, user: DirectoryObject, caller: Caller) -> bool:
    """Whether the caller may not delete or disable the user, who holds a directory role: an app's permissions alone
    are not enough for that (Microsoft Graph, "Delete a user", "Who can perform sensitive actions"). Which roles an
    app would need itself is not simulated: every role guards its holder."""
    return caller.is_app and world.directory.has_role(user.id)


def create_user(call: Call) -> Answer:
    """A new internal account. Who must change the password at the first sign-in cannot sign in before. Raises
    GraphError: 400 for a missing or bad property, a domain that is not verified, a weak password, or a name that is
    taken."""
    world = call.world
    fields = checked_body(world.settings.odata, "user", call.json())
    check_required(fields, "User", *_REQUIRED)
    check_values("user", fields)
    name = _checked_name(call, fields)
    profile: Json = fields.pop("passwordProfile")
    password = _checked_password(profile)
    issuer = world.directory.tenant.initial_domain
    user = world.directory.create(
        "user",
        {
            "createdDateTime": stamp(),
            "identities": [{"signInType": "userPrincipalName", "issuer": issuer, "issuerAssignedId": name}],
            "otherMails": [],
            "proxyAddresses": [],
            "securityIdentifier": security_identifier(),
            "userType": "Member",
            **fields,
        },
    )
    world.new.announce(user.id)
    can_sign_in = profile.get("forceChangePasswordNextSignIn") is False
    world.registry.credentials[user.id.lower()] = Credentials(password if can_sign_in else None)
    world.audits.write("Add user", by=call.actor, target=user_target(user))
    return created(call, user)


def set_manager(call: Call) -> Answer:
    """Another manager takes the place of the one before. Raises GraphError: 400 for what is no user."""
    user, manager = need_user(call), referenced(call.world, reference_in(call))
    if manager.kind != "user":
        raise bad_request("Invalid object reference for property 'manager'.")
    call.world.directory.managers.replace(user.id, [manager.id])
    return NO_CONTENT


def remove_manager(call: Call) -> Answer:
    manager = _need_manager(call)
    call.world.directory.managers.remove(need_user(call).id, manager.id)
    return NO_CONTENT


def _need_manager(call: Call) -> DirectoryObject:
    """Raises GraphError: 404 without a manager (of this name: reported)."""
    found = (call.world.directory.users.get(id_) for id_ in call.world.directory.managers.of(need_user(call).id))
    manager = next((user for user in found if user is not None), None)
    if manager is None:
        raise not_found("manager")
    return manager


def _checked_name(call: Call, fields: Json) -> str:
    name = str(fields["userPrincipalName"])
    found = _NAME.fullmatch(name)
    if found is None:
        raise bad_request("Property userPrincipalName is invalid.")
    if found["domain"].lower() not in {domain.lower() for domain in call.world.verified_domains}:
        raise bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified "
            "domain names in your organization."
        )
    if call.world.directory.users.having("userPrincipalName", name):
        raise not_unique("userPrincipalName")
    return name


def _checked_password(profile: Json) -> str:
    """Eight characters or more, of three of the four kinds (Entra's password policy)."""
    password = profile.get("password")
    if not isinstance(password, str) or not password:
        raise bad_request("A password must be specified to create a new user.")
    kinds = sum(bool(re.search(kind, password)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    if not _SHORTEST <= len(password) <= _LONGEST or kinds < _KINDS:
        raise bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a "
            "different password."
        )
    return password


def _add_sponsor(call: Call, user: DirectoryObject, sponsor: DirectoryObject) -> None:
    """Raises GraphError: 400 when it is one already (switch) or is neither a user nor a group."""
    world = call.world
    if sponsor.kind not in {"user", "group"}:
        raise bad_request("A sponsor must be a user or a group.")
    if not world.directory.sponsors.add(user.id, sponsor.id) and world.settings.groups.sponsor_duplicate_is_error:
        raise already_exist("sponsors")


def _remove_sponsor(call: Call, user: DirectoryObject, id_: str) -> None:
    if not call.world.directory.sponsors.remove(user.id, id_):
        raise not_found(id_)


def _sponsors(call: Call) -> OrderedIds:
    return call.world.directory.sponsors.of(need_user(call).id)


def _owned(call: Call) -> OrderedIds:
    return call.world.directory.owners.to(need_user(call).id)


def _check_sign_in_activity(call: Call) -> None:
    """signInActivity needs AuditLog.Read.All besides (graph contract "Permissions")."""
    if "signInActivity" in call.query.select and not call.who.may("AuditLog.Read.All"):
        raise denied()


_USER, _SPONSORS, _MANAGER = "/users/{user}", "/users/{user}/sponsors", "/users/{user}/manager"
ROUTES: tuple[Route, ...] = (
    *collection("user", may.USER_READ, units=2, seen=_seen),
    Route("GET", _USER, get_user, may.USER_READ),
    Route("PATCH", _USER, update_user, (*may.USER_WRITE, *may.USER_ENABLE)),
    Route("DELETE", _USER, delete_user, may.USER_DELETE),
    *listed(_SPONSORS, _sponsors, may.USER_READ, counted=False),
    *changed(_SPONSORS, "sponsor", need_user, may.USER_WRITE, add=_add_sponsor, remove=_remove_sponsor),
    *listed(f"{_USER}/ownedObjects", _owned, may.USER_READ, casts=(None, "group"), counted=False),
    Route("GET", "/me", get_me),
    Route("POST", "/users", create_user, may.USER_WRITE),
    Route("GET", _MANAGER, lambda call: linked(call, _need_manager(call)), may.USER_READ),
    Route("PUT", f"{_MANAGER}/$ref", set_manager, may.USER_WRITE),
    Route("DELETE", f"{_MANAGER}/$ref", remove_manager, may.USER_WRITE),
)
