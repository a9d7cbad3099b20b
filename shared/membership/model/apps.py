"""Apps that are set up."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from shared.core.applications import AppId, PrincipalId
from shared.core.ids import GroupId, SetupId, UserId
from shared.core.personal import DECIDERS, IN_WORDS, OWNERS, People
from shared.core.users import DirectoryUser
from shared.membership.model.audit_policy import AuditPolicy
from shared.membership.model.policy import MessageTemplate, Policy


class Kind(StrEnum):
    """Kinds of things that a setup makes in the directory."""

    GROUP = "group"
    OWNER = "owner"
    APPLICATION = "application"
    SINGLE_SIGN_ON = "single-sign-on"
    CERTIFICATE = "certificate"
    ASSIGNMENT = "assignment"
    CATALOG = "catalog"
    CATALOG_RESOURCE = "catalog-resource"
    ACCESS_PACKAGE = "access-package"
    ACCESS_POLICY = "access-policy"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was made or set in the directory: its kind, its object id and a person's words for it."""

    kind: Kind
    id: str
    what: Annotated[str, IN_WORDS]


class AppState(StrEnum):
    READY = "ready"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class AppRecord:
    """An app that is set up, as Guestlist keeps it: the policy that it enforces, and what it made."""

    app_id: AppId
    name: str
    service_principal: PrincipalId
    group: GroupId
    group_name: str
    owners: Annotated[tuple[DirectoryUser, ...], People(OWNERS, by_id=True, named=True)]
    approvers: Annotated[tuple[DirectoryUser, ...], People(DECIDERS, by_id=True, named=True)]
    policy: Policy
    setup: SetupId
    updated_at: datetime
    made: Annotated[tuple[Change, ...], People(OWNERS, by_id=True)] = ()
    state: AppState = AppState.READY
    templates: tuple[MessageTemplate, ...] = ()
    audits: AuditPolicy = field(default_factory=AuditPolicy)
    inviters: tuple[UserId, ...] = ()
    """Object ids of the apps with the app role Inviter that may invite into the group."""

    @property
    def named_approvers(self) -> tuple[DirectoryUser, ...]:
        """Those whom the policy names. Where it names nobody the owners decide, as the directory has them at that
        time: older versions kept those of the setup among `approvers`."""
        return self.approvers if self.policy.approvers else ()


def with_made(record: AppRecord, changes: Collection[Change]) -> AppRecord:
    """The record with more things that Guestlist made; one that it knows is not counted twice."""
    known = {(c.kind, c.id) for c in record.made}
    more = tuple(c for c in changes if (c.kind, c.id) not in known)
    return replace(record, made=(*record.made, *more)) if more else record
