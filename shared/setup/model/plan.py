"""What an admin asks for: the app, the people, the group, and the policy of inviting to it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from shared.core.directory import Saml
from shared.core.ids import AppId, GroupId
from shared.core.personal import OWNERS, People
from shared.membership.model.apps import Policy


class SelfService(StrEnum):
    """How Microsoft's own self-service is set up: the blade of the admin center, which has no API, or
    entitlement management, which has one."""

    PORTAL = "portal"
    ACCESS_PACKAGE = "access-package"


@dataclass(frozen=True, slots=True)
class AppSpec:
    """Which app: one of the three. With a template, `name` is what the new app is to be called."""

    app_id: AppId | None = None
    name: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """An existing group by its id, which `take_over` says is meant, or the name and description of the one to be
    made."""

    id: GroupId | None = None
    name: str | None = None
    description: str | None = None
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class SetupPlan:
    """Everything asked for. `owners` are user principal names, mail addresses or object ids."""

    app: AppSpec
    owners: Annotated[tuple[str, ...], People(OWNERS)]
    group: GroupSpec = field(default_factory=GroupSpec)
    app_role: str | None = None
    saml: Saml | None = None
    policy: Policy = field(default_factory=Policy)
    self_service: SelfService = SelfService.PORTAL
