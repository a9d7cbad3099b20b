"""``POST /users``: an internal account, and who somebody's manager is (Microsoft's v1.0 reference).

External people come through ``/invitations``.
"""

import re
from typing import Final

from ..audits import user_target
from ..call import NO_CONTENT, Answer, Call, Json
from ..clock import stamp
from ..directory.objects import DirectoryObject
from ..errors import bad_request, not_found
from ..odata.shapes import checked_body
from ..registry import Credentials
from ..routing import Route
from . import permissions as may
from . import property_rules
from .answers import created, linked
from .lookup import need_user, reference_in, referenced, security_identifier

_REQUIRED: Final = ("accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile")
_NAME: Final = re.compile(r"[A-Za-z0-9'._!#^~-]+@(?P<domain>[^@]+)")
_SHORTEST, _LONGEST, _KINDS = 8, 256, 3


def create_user(call: Call) -> Answer:
    """A new internal account. Who must change the password at the first sign-in cannot sign in before.

    Raises:
        GraphError: 400 for a missing or bad property, a domain that is not verified, a weak password, or a name
            that is taken.
    """
    world = call.world
    fields = checked_body(world.settings.odata, "user", call.json())
    for name in _REQUIRED:
        if fields.get(name) in (None, ""):
            raise bad_request(f"A value is required for property '{name}' of resource 'User'.")
    property_rules.check("user", fields)
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


def get_manager(call: Call) -> Answer:
    return linked(call, _need_manager(call))


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
        raise bad_request("Another object with the same value for property userPrincipalName already exists.")
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


_MANAGER = "/users/{user}/manager"
ROUTES: tuple[Route, ...] = (
    Route("POST", "/users", create_user, may.USER_WRITE),
    Route("GET", _MANAGER, get_manager, may.USER_READ),
    Route("PUT", f"{_MANAGER}/$ref", set_manager, may.USER_WRITE),
    Route("DELETE", f"{_MANAGER}/$ref", remove_manager, may.USER_WRITE),
)
