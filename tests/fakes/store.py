"""A store in memory that keeps the port's promises: versions, conflicts, all or nothing."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby

from shared.core.errors import Conflict, Refused, StorageBusy
from shared.core.ids import ChunkId, GroupId, ImportId, InvitationId, chunks_of
from shared.core.reasons import Reason
from shared.core.records import Stop
from shared.core.versions import Versioned
from shared.imports.model.imports import in_transactions
from shared.invitations.model.invitations import Invitation, Reading, State, added, count, difference
from shared.invitations.ports import Guard, KeyClaim, Page
from shared.pace.import_pace import (
    WRITES_ALONE,
    WRITES_IN_A_FILE,
    ImportPace,
    Limits,
    Refusal,
    current,
    refused,
    steady,
    take,
)
from shared.pace.pacing import Breaker, DayLimit, DayTaken, Pace, of_today, reserve
from tests.fakes.open_work import FakeOpenWork


@dataclass
class _Key:
    body_digest: str
    lease_until: datetime
    created_at: datetime
    invitation: InvitationId | None
    version: str


@dataclass
class FakeStore:
    """`fail_next` names methods whose next call finds storage busy; a name in it twice fails two calls. A call
    that fails does nothing. `writes` counts the writes of invitations."""

    rows: dict[InvitationId, Versioned[Invitation]] = field(default_factory=dict)
    guards: dict[tuple[GroupId, str], InvitationId] = field(default_factory=dict)
    imported: dict[tuple[GroupId, str], tuple[ImportId | None, int | None]] = field(default_factory=dict)
    keys: dict[tuple[GroupId, str], _Key] = field(default_factory=dict)
    open_chunks: FakeOpenWork[tuple[GroupId, ChunkId]] = field(default_factory=FakeOpenWork)
    breaker: Versioned[Breaker] = field(default_factory=lambda: Versioned(Breaker(), None))
    stop: Versioned[Stop] = field(default_factory=lambda: Versioned(Stop(), None))
    paces: dict[str, datetime] = field(default_factory=dict)
    fail_next: list[str] = field(default_factory=list)
    writes: int = 0
    marks: dict[tuple[GroupId, ChunkId], datetime] = field(default_factory=dict)
    counters: dict[tuple[ImportId, GroupId], dict[str, int]] = field(default_factory=dict)
    import_pace: ImportPace | None = None
    people: float = 0.0
    days: dict[str, DayTaken] = field(default_factory=dict)
    expiries: dict[tuple[GroupId, str], date] = field(default_factory=dict)
    _versions: "itertools.count[int]" = field(default_factory=itertools.count)

    def _version(self) -> str:
        return str(next(self._versions))

    def __post_init__(self) -> None:
        self.open_chunks.may_fail = self._may_fail

    def _may_fail(self, method: str) -> None:
        if method in self.fail_next:
            self.fail_next.remove(method)
            raise StorageBusy(f"{method} was told to fail")

    async def claim_key(
        self, group: GroupId, digest: str, body_digest: str, *, now: datetime, lease: timedelta, kept: timedelta
    ) -> KeyClaim | InvitationId:
        self._may_fail("claim_key")
        found = self.keys.get((group, digest))
        if found is not None and found.created_at + kept > now:
            if (found.invitation is not None or found.lease_until > now) and found.body_digest != body_digest:
                raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
            if found.invitation is not None:
                return found.invitation
            if found.lease_until > now:
                raise Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT)
        version = self._version()
        self.keys[group, digest] = _Key(body_digest, now + lease, now, None, version)
        return KeyClaim(group, digest, body_digest, version)

    async def release_key(self, claim: KeyClaim) -> None:
        self._may_fail("release_key")
        found = self.keys.get((claim.group, claim.digest))
        if found is not None and found.version == claim.version:
            del self.keys[claim.group, claim.digest]

    def _under_way(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, InvitationId]:
        found = {k: self.guards[group, k] for k in address_keys if (group, k) in self.guards}
        return {k: i for k, i in found.items() if i in self.rows and not self.rows[i].value.is_final}

    async def accept(self, invitations: Sequence[Invitation], claim: KeyClaim | None) -> None:
        self._may_fail("accept")
        group = invitations[0].id.group
        keys = [i.address.key for i in invitations]
        if len(set(keys)) < len(keys):
            raise Conflict("an address is twice in the chunk")
        if self._under_way(group, keys):
            raise Conflict("an address is under way")
        if any(i.id in self.rows for i in invitations):
            raise Conflict("a row is there already")
        if claim is not None:
            key = self.keys.get((claim.group, claim.digest))
            if key is None or key.version != claim.version:
                raise Conflict("the claim was lost")
            key.invitation, key.version = invitations[0].id, self._version()
        for invitation in invitations:
            latest = self.rows.get(self.guards.get((group, invitation.address.key), invitation.id))
            if latest is not None and latest.value.import_id is not None:
                self.imported[group, invitation.address.key] = (latest.value.import_id, latest.value.line)
            self.guards[group, invitation.address.key] = invitation.id
            self.rows[invitation.id] = Versioned(invitation, self._version())
        self._keep_expiries(invitations)
        self.writes += 1

    def _keep_expiries(self, invitations: Sequence[Invitation]) -> None:
        self.expiries |= {(i.id.group, i.address.key): i.expires for i in invitations if i.expires is not None}

    async def read_expiries(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, date]:
        return {k: self.expiries[group, k] for k in address_keys if (group, k) in self.expiries}

    async def write_expiry(self, group: GroupId, address_key: str, expires: date | None) -> None:
        if expires is None:
            self.expiries.pop((group, address_key), None)
        else:
            self.expiries[group, address_key] = expires

    async def read_chunk(self, group: GroupId, chunk: ChunkId) -> list[Versioned[Invitation]]:
        self._may_fail("read_chunk")
        found = [r for r in self.rows.values() if (r.value.id.group, r.value.id.chunk) == (group, chunk)]
        return sorted(found, key=lambda r: r.value.id.position)

    async def save(
        self,
        invitations: Sequence[Versioned[Invitation]],
        *,
        before: Sequence[Invitation] = (),
        ends: bool = False,
    ) -> list[Versioned[Invitation]]:
        self._may_fail("save")
        there = [self.rows.get(i.value.id) for i in invitations]
        if any((t.version if t else None) != i.version for t, i in zip(there, invitations, strict=True)):
            raise Conflict("a row changed")
        saved = [Versioned(i.value, self._version()) for i in invitations]
        self.rows |= {i.value.id: i for i in saved}
        self.writes += 1
        if invitations and (import_id := invitations[0].value.import_id) is not None:
            first = invitations[0].value.id
            self._count(import_id, first.group, difference(before, (i.value for i in invitations)))
            if ends:
                del self.marks[first.group, first.chunk]
        return saved

    def _count(self, import_id: ImportId, group: GroupId, change: Mapping[str, int]) -> None:
        self.counters[import_id, group] = added(self.counters.get((import_id, group), {}), change)

    async def accept_import(
        self, invitations: Sequence[Invitation], guards: Mapping[str, Guard], look_at: datetime
    ) -> None:
        self._may_fail("accept_import")
        first = invitations[0]
        assert first.import_id is not None
        under_way = [i for i in invitations if not i.is_final]
        chunks = [list(chunk) for _, chunk in groupby(invitations, lambda i: i.id.chunk)]
        assert len(list(in_transactions(chunks))) == 1, "a transaction cannot hold them"
        for invitation in under_way:
            there = self.guards.get((first.id.group, invitation.address.key))
            known = guards.get(invitation.address.key)
            if (str(there) if there else None) != (known.version if known else None):
                raise Conflict("an address has another guard")
        if any(i.id in self.rows for i in invitations):
            raise Conflict("the chunk is there already")
        for invitation in invitations:
            self.rows[invitation.id] = Versioned(invitation, self._version())
        for invitation in under_way:
            self.guards[first.id.group, invitation.address.key] = invitation.id
            self.imported.pop((first.id.group, invitation.address.key), None)
        self._keep_expiries(under_way)
        for invitation in under_way:
            self.marks[first.id.group, invitation.id.chunk] = look_at
        self._count(first.import_id, first.id.group, count(invitations))
        self.writes += 1

    async def find_guards(self, group: GroupId, address_keys: Sequence[str]) -> dict[str, Guard]:
        self._may_fail("find_guards")
        found = {k: self.guards[group, k] for k in address_keys if (group, k) in self.guards}
        none = (None, None)
        return {
            k: Guard(self.rows[i].value, str(i), *self.imported.get((group, k), none))
            for k, i in found.items()
            if i in self.rows
        }

    async def list_open_of_import(
        self, import_id: ImportId, group: GroupId, *, due_before: datetime | None
    ) -> list[ChunkId]:
        mine = [(c, at) for (g, c), at in self.marks.items() if g == group and c.startswith(chunks_of(import_id))]
        return sorted(c for c, at in mine if due_before is None or at < due_before)

    async def reschedule(self, group: GroupId, chunk: ChunkId, look_at: datetime) -> None:
        if (group, chunk) in self.marks:
            self.marks[group, chunk] = look_at

    async def read_import_rows(
        self, import_id: ImportId, group: GroupId, *, after: ChunkId | None, limit: int
    ) -> list[Versioned[Invitation]]:
        mine = [r for i, r in self.rows.items() if i.group == group and i.chunk.startswith(chunks_of(import_id))]
        mine.sort(key=lambda r: (r.value.id.chunk, r.value.id.position))
        return [r for r in mine if after is None or r.value.id.chunk > after][:limit]

    async def read_counters(self, import_id: ImportId, group: GroupId) -> Reading:
        return Reading(self.counters.get((import_id, group), {}), None)

    async def read(self, invitation: InvitationId) -> Invitation | None:
        self._may_fail("read")
        found = self.rows.get(invitation)
        return found.value if found else None

    async def list_group(self, group: GroupId, *, state: State | None, continuation: str | None, limit: int) -> Page:
        self._may_fail("list_group")
        after = ""
        if continuation is not None:
            if not continuation.startswith("after:"):
                raise Refused(Reason.PARAMETER_INVALID, "the continuation was never given out", field="continuation")
            after = continuation.removeprefix("after:")
        found = sorted(
            (r.value for r in self.rows.values() if r.value.id.group == group and state in (None, r.value.state)),
            key=lambda i: str(i.id),
        )
        found = [i for i in found if str(i.id) > after]
        page = found[:limit]
        return Page(page, f"after:{page[-1].id}" if len(found) > limit else None)

    async def read_breaker(self) -> Versioned[Breaker]:
        self._may_fail("read_breaker")
        return self.breaker

    async def read_stop(self) -> Versioned[Stop]:
        self._may_fail("read_stop")
        return self.stop

    async def write_stop(self, stop: Versioned[Stop]) -> None:
        self._may_fail("write_stop")
        if stop.version != self.stop.version:
            raise Conflict("the stop changed")
        self.stop = replace(stop, version=self._version())

    async def write_breaker(self, breaker: Versioned[Breaker]) -> None:
        self._may_fail("write_breaker")
        if breaker.version != self.breaker.version:
            raise Conflict("the breaker changed")
        self.breaker = replace(breaker, version=self._version())

    async def reserve(self, lane: str, pace: Pace, units: int, now: datetime) -> datetime:
        self._may_fail("reserve")
        start, self.paces[lane] = reserve(pace, self.paces.get(lane), units, now)
        self.people += units * WRITES_ALONE / WRITES_IN_A_FILE if lane == "invitations" else 0
        return start

    async def read_import_pace(self, limits: Limits, now: datetime) -> ImportPace:
        return current(self.import_pace, limits, now)

    async def take_positions(
        self, limits: Limits, units: Sequence[int], who: str, now: datetime
    ) -> tuple[list[float], ImportPace]:
        self._may_fail("take_positions")
        positions, self.import_pace = take(self._pace(limits, now), units, who)
        return positions, self.import_pace

    async def note_refusal(self, limits: Limits, refusal: Refusal, now: datetime) -> tuple[float, ImportPace]:
        position, self.import_pace = refused(self._pace(limits, now), limits, refusal, now)
        return position, self.import_pace

    def _pace(self, limits: Limits, now: datetime) -> ImportPace:
        return current(self.import_pace, limits, now, self.people)

    async def steady_imports(self, limits: Limits, now: datetime) -> None:
        self.import_pace = steady(self._pace(limits, now), limits, now)

    async def take_of_day(self, limits: Mapping[str, DayLimit], units: int, now: datetime) -> int:
        self._may_fail("take_of_day")
        granted = min(units, await self.read_day(limits, now))
        for who in limits if granted else ():
            today = of_today(self.days.get(who), now)
            self.days[who] = replace(today, taken=today.taken + granted)
        return granted

    async def read_day(self, limits: Mapping[str, DayLimit], now: datetime) -> int:
        days = {who: of_today(self.days.get(who), now) for who in limits}
        return max(0, min(limits[who].on_day(day.active_days) - day.taken for who, day in days.items()))
