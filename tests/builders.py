"""Things that tests fill in when they do not care."""

from datetime import UTC, datetime
from typing import Any

from shared.core.addresses import parse_address
from shared.core.caller import Caller
from shared.core.clock import Timing
from shared.core.directory import DirectoryUser, GroupApp, GroupFacts
from shared.core.ids import AppId, ChunkId, GroupId, InvitationId, PrincipalId, SetupId, UserId
from shared.invitations.model.invitations import Invitation
from shared.membership.model.apps import AppRecord, Policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TENANT = "11111111-1111-4111-8111-111111111111"
GROUP = GroupId("22222222-2222-4222-8222-222222222222")
OWNER = UserId("33333333-3333-4333-8333-333333333333")
STRANGER = UserId("44444444-4444-4444-8444-444444444444")
CHUNK = ChunkId("fe62a1b2c3d40123456789")
TIMING = Timing()


def a_group(**changes: Any) -> GroupFacts:
    facts: dict[str, Any] = {
        "id": GROUP,
        "name": "Travel app guests",
        "group_types": frozenset(),
        "security_enabled": True,
        "mail_enabled": False,
        "synced": False,
        "role_assignable": False,
        "management_restricted": False,
        "owners": frozenset({OWNER}),
        "apps": (GroupApp("Contoso Travel", "55555555-5555-4555-8555-555555555555"),),
    }
    return GroupFacts(**(facts | changes))


def an_app(**changes: Any) -> AppRecord:
    """The record of the app that the group was set up with."""
    facts: dict[str, Any] = {
        "app_id": AppId("55555555-5555-4555-8555-555555555555"),
        "name": "Contoso Travel",
        "service_principal": PrincipalId("50000000-0000-4000-8000-000000000001"),
        "group": GROUP,
        "group_name": "Travel app guests",
        "owners": (DirectoryUser(OWNER, "Olivia Owner"),),
        "approvers": (),
        "policy": Policy(),
        "setup": SetupId("0" * 22),
        "updated_at": NOW,
    }
    return AppRecord(**(facts | changes))


def a_caller(object_id: UserId = OWNER, *roles: str, is_app: bool = False) -> Caller:
    return Caller(object_id=object_id, name="Olivia Owner", roles=frozenset(roles), is_app=is_app)


def an_invitation(position: int = 0, **changes: Any) -> Invitation:
    facts: dict[str, Any] = {
        "id": InvitationId(GROUP, CHUNK, position),
        "address": parse_address(f"guest{position}@fabrikam.com"),
        "display_name": None,
        "message": None,
        "language": None,
        "inviter_id": OWNER,
        "inviter_name": "Olivia Owner",
        "app_name": "Contoso Travel",
        "direct_link": "https://launcher.myapps.microsoft.com/api/signin/app?tenantId=t",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Invitation(**(facts | changes))
