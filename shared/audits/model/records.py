"""A run of the audit: what is kept of it, and the order of its parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from shared.core.ids import AuditId, GroupId
from shared.core.personal import Personal, Redaction, Says


class Phase(StrEnum):
    """What is being done; each phase begins when every task of the one before is done. What Guestlist did is read
    after the directory was: an invitation is written down before it has an effect, so that no member is found whose
    invitation is not there."""

    READING = "reading"
    LOADING_HISTORY = "recalling"
    EVALUATING = "judging"
    PLANNING = "planning"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeltaShard:
    """Up to fifty groups whose members are followed by one token (graph contract "Groups", "Delta"). `since` is the
    audit that read them whole: a member whom neither it nor a later one saw is none."""

    groups: tuple[GroupId, ...]
    link: str | None = None
    since: AuditId | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """The audits that read accounts, and the members of each group, whole."""

    users: AuditId
    groups: Mapping[GroupId, AuditId]


@dataclass(frozen=True, slots=True)
class Audit:
    """One run. `sets` and `users_since` say what is followed; with `full` everything known is judged, not only what
    changed. `read_from` is the moment from which Guestlist's own changes are read again. `counts` are there
    when the audit is done. `before` is the last one that came to its end."""

    id: AuditId
    started_at: datetime
    started_by: Annotated[str, Personal("who began it", Redaction.SIGNED, Says.WHO)]
    phase: Phase = Phase.READING
    full: bool = False
    sets: tuple[DeltaShard, ...] = ()
    users_since: AuditId | None = None
    read_from: datetime | None = None
    ended_at: datetime | None = None
    before: AuditId | None = None
    apps: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    detail: str | None = None
    is_tidied: bool = False
    """Its findings were kept long enough, and are gone."""

    @property
    def is_over(self) -> bool:
        return self.phase in (Phase.DONE, Phase.FAILED)

    @property
    def since(self) -> Since:
        return Since(self.users_since or self.id, {g: s.since or self.id for s in self.sets for g in s.groups})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the last audit that came to its end has read the directory, and which one is running now."""

    running: AuditId | None = None
    running_since: datetime | None = None
    last: AuditId | None = None
    users: str | None = None
    users_since: AuditId | None = None
    sets: tuple[DeltaShard, ...] = ()
    read_from: datetime | None = None
    is_torn: bool = False
    """An audit was given up half-way: the next one judges everything."""


GROUPS_OF_SET = 50


def sets_of(groups: Collection[GroupId], before: Sequence[DeltaShard]) -> tuple[DeltaShard, ...]:
    """The sets to follow now. A set keeps its token as long as one of its groups is wanted; new groups get sets of
    their own, as a token says which groups it is for."""
    wanted = set(groups)
    kept = [s for s in before if s.link is not None and wanted & set(s.groups)]
    fresh = sorted(wanted - {g for s in kept for g in s.groups})
    added = (tuple(fresh[n : n + GROUPS_OF_SET]) for n in range(0, len(fresh), GROUPS_OF_SET))
    return (*kept, *(DeltaShard(few) for few in added))


@dataclass(frozen=True, slots=True)
class Task:
    """A part of a phase that one message after another works on. `cursor` says where to go on; `restarted` that what
    it followed had to be read whole again."""

    phase: Phase
    name: str
    cursor: str | None = None
    done: bool = False
    restarted: bool = False
