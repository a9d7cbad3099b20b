"""Somebody uploads a file: decide, keep it, write down, enqueue; or only say what would happen."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched

from shared.core.addresses import ERASED_ADDRESS
from shared.core.caller import Caller
from shared.core.clock import Clock, Timing
from shared.core.csv.dialect import HEAD_BYTES, Dialect, Note, detect
from shared.core.errors import Conflict, DirectoryBusy, Refused, StorageBusy
from shared.core.ids import GroupId, ImportId, UserId, new_id
from shared.core.reasons import REASONS, Reason
from shared.core.results import Account, Lookalike
from shared.graph.ports import Directory
from shared.imports.authority import Authority
from shared.imports.model.imports import GuestRow, Import, Progress, Rules, Target, by_group
from shared.imports.model.settings import ImportSettings
from shared.imports.ports import ImportStore
from shared.imports.read_rows import Piece, read_piece
from shared.invitations.ports import Store
from shared.membership.model.access import Action, may, tenant_roles
from shared.messages.commands import CHUNK_SIZE, SplitImport
from shared.messages.ports import Outbox
from shared.pace.pacing import DayLimit, dry_runs_key, group_key
from shared.storage.ports import Files

SIZE_LIMIT = 100 * 1024 * 1024
"""Bytes of a request that the Functions host takes. Source: Azure Functions, HTTP trigger limits."""


@dataclass(frozen=True, slots=True)
class Upload:
    group: GroupId
    file_name: str
    content: bytes

    def dialect(self) -> Dialect:
        """Raises Refused `file-too-large`, `file-empty`, and why the file cannot be read."""
        size = len(self.content)
        if size > SIZE_LIMIT:
            detail = f"The file has {size:,} bytes; {SIZE_LIMIT:,} are taken"
            raise Refused(Reason.FILE_TOO_LARGE, detail, field="file")
        if not size:
            raise Refused(Reason.FILE_EMPTY, "The request has no file", field="file")
        return detect(self.content[:HEAD_BYTES])

    def record(self, id_: ImportId, dialect: Dialect, caller: Caller, now: datetime, digest: str = "") -> Import:
        return Import(
            id=id_,
            group=self.group,
            file_name=self.file_name,
            size=len(self.content),
            dialect=dialect,
            creator=caller.object_id,
            creator_name=caller.name,
            for_admin=may(tenant_roles(caller.roles), Action.IMPORT_TO_MANY),
            created_at=now,
            digest=digest,
        )


@dataclass(frozen=True, slots=True)
class StartImport:
    authority: Authority
    imports: ImportStore
    files: Files
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def __call__(self, upload: Upload, caller: Caller, key: str | None) -> ImportId:
        """Take the import; with an idempotency key a repeat gives the same id. Raises Refused for any reason of the
        file, the caller or the group; DirectoryBusy, StorageBusy: nothing was taken."""
        target = await self.authority.target_of_caller(upload.group, caller)
        dialect, now = upload.dialect(), self.clock.now()
        digest = hashlib.sha256(upload.content).hexdigest()
        import_id = ImportId(new_id(now, self.clock.random_hex(10)))
        if key is not None:
            text = f"{caller.object_id}\n{upload.group}\n{key}"
            import_id = await self.imports.name(hashlib.sha256(text.encode()).hexdigest(), import_id)
            if (there := await self.imports.read(import_id)) is not None:
                return _same(there.record.value, digest)
        record = upload.record(import_id, dialect, caller, now, digest)
        progress = Progress(cursor=dialect.start, targets={upload.group: target})
        # File, then memory, then record: whatever stops in between leaves nothing that anybody was promised.
        await self.files.write(import_id, upload.content)
        await self.imports.open(import_id, now + self.timing.stall_timeout)
        try:
            await self.imports.create(record, progress)
        except Conflict as e:
            there = await self.imports.read(import_id)
            if there is None:
                raise Refused(Reason.STORAGE_BUSY) from e
            return _same(there.record.value, digest)
        try:
            await self.outbox.send(SplitImport(import_id, 0))
        except StorageBusy:
            # Taken is taken: the sweeper sends it again.
            await self.imports.open(import_id, now)
        return import_id


def _same(there: Import, digest: str) -> ImportId:
    if there.digest != digest:
        raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    return there.id


LOOKED_UP = 1000
"""Guests that are looked for in the directory, at most: the request must be answered in time."""
LOOKED_UP_IN_A_DAY = DayLimit(10 * LOOKED_UP, 10 * LOOKED_UP)
"""By one person: a dry run says who is in the directory, and each look-up uses up some of Graph's limits."""
FIRST = 10
"""Rows shown of each outcome."""
_AT_A_TIME = 4
_PIECE_WINDOWS = 500


@dataclass(frozen=True, slots=True)
class Example:
    """A row of an outcome."""

    line: int
    address: str
    what: str


@dataclass(slots=True)
class Preview:
    """`counts` by outcome: new, inDirectory, member, duplicate, invalid, blocked, notLookedUp. `lines` say where the
    file has an address first, by group and `Address.key`."""

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[Example]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    per_minute: float = 0.0
    today: int = 0
    per_day: int = 0
    seconds: int = 0
    targets: dict[GroupId, Target] = field(default_factory=dict)
    lines: dict[tuple[GroupId, str], int] = field(default_factory=dict)

    def add(self, outcome: str, line: int, address: str, what: str) -> None:
        self.counts[outcome] += 1
        shown = self.first.setdefault(outcome, [])
        if len(shown) < FIRST:
            shown.append(Example(line, address, what))

    @property
    def said(self) -> str:
        return f"This import will take about {_words(self.seconds)} at your tenant's pace."


class _Memory:
    """The uploaded bytes, read as a kept file is."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    async def read(self, import_id: ImportId, offset: int, length: int) -> bytes:
        return bytes(self._content[offset : offset + length])


@dataclass(frozen=True, slots=True)
class PreviewImport:
    authority: Authority
    directory: Directory
    store: Store
    clock: Clock
    settings: ImportSettings
    rules: Rules

    async def __call__(self, upload: Upload, caller: Caller) -> Preview:
        """Look at the whole file, and for the first guests at the directory. Changes nothing. Raises Refused as
        starting the import would be."""
        target = await self.authority.target_of_caller(upload.group, caller)
        dialect = upload.dialect()
        record = upload.record(ImportId("0" * 22), dialect, caller, self.clock.now())
        preview = Preview(notes=dialect.notes, targets={upload.group: target})
        content, cursor, ended = _Memory(upload.content), dialect.start, False
        while not ended:
            piece = await read_piece(content, record, cursor, _PIECE_WINDOWS, self.rules)
            cursor, ended = piece.cursor, piece.ended
            await self._count(preview, piece, caller.object_id)
        await self._pace(preview, caller, upload.group)
        return preview

    async def _count(self, preview: Preview, piece: Piece, caller: UserId) -> None:
        preview.rows += piece.rows
        for bad in piece.bad:
            preview.add("invalid", bad.line, bad.address, bad.detail or REASONS[bad.reason].title)
        to_look_up: list[GuestRow] = []
        room = LOOKED_UP - preview.counts["new"] - preview.counts["inDirectory"] - preview.counts["member"]
        for row in (r for window in piece.windows for r in window):
            if row.group not in preview.targets:
                preview.targets[row.group] = await self.authority.target_of_row(row.group)
            target = preview.targets[row.group]
            first = preview.lines.setdefault((row.group, row.address.key), row.line)
            if row.address == ERASED_ADDRESS:
                preview.add("invalid", row.line, row.address.text, REASONS[Reason.PERSON_ERASED].title)
            elif first != row.line:
                preview.add("duplicate", row.line, row.address.text, f"line {first} has the same address")
            elif target.refused is not None:
                preview.add("invalid", row.line, row.address.text, REASONS[target.refused].title)
            elif not all(policy.takes(row.address.domain) for policy in target.policies):
                preview.add("blocked", row.line, row.address.text, f"{row.address.domain} is not admitted")
            elif len(to_look_up) < room:
                to_look_up.append(row)
            else:
                preview.counts["notLookedUp"] += 1
        day = {dry_runs_key(caller): LOOKED_UP_IN_A_DAY}
        granted = await self.store.take_of_day(day, len(to_look_up), self.clock.now()) if to_look_up else 0
        enough = f"{LOOKED_UP_IN_A_DAY.most:,} addresses were looked up for you today: try again tomorrow"
        for row in to_look_up[granted:]:
            preview.add("notLookedUp", row.line, row.address.text, enough)
        to_look_up = to_look_up[:granted]
        for chunks in batched(batched(to_look_up, CHUNK_SIZE, strict=False), _AT_A_TIME, strict=False):
            found = await asyncio.gather(*(self._look_up(chunk) for chunk in chunks))
            for outcome, row, what in (o for chunk in found for o in chunk):
                preview.add(outcome, row.line, row.address.text, what)

    async def _look_up(self, rows: Sequence[GuestRow]) -> list[tuple[str, GuestRow, str]]:
        try:
            answers = await self.directory.find([row.address for row in rows])
        except DirectoryBusy:
            return [("notLookedUp", row, "the directory is busy") for row in rows]
        users = {r.line: a.id for r, a in zip(rows, answers, strict=True) if isinstance(a, Account)}
        members: set[int] = set()
        for group, there in by_group([row for row in rows if row.line in users]):
            are = await self.directory.are_members(group, [users[row.line] for row in there])
            members |= {row.line for row, is_one in zip(there, are, strict=True) if is_one}
        found = []
        for row, answer in zip(rows, answers, strict=True):
            match answer:
                case Account() if row.line in members:
                    found.append(("member", row, "is a member already: nothing happens"))
                case Account():
                    found.append(("inDirectory", row, "joins the group, gets no invitation"))
                case Lookalike():
                    found.append(("invalid", row, REASONS[Reason.ADDRESS_OF_ANOTHER].title))
                case _:
                    found.append(("new", row, "is invited"))
        return found

    async def _pace(self, preview: Preview, caller: Caller, group: GroupId) -> None:
        now, settings = self.clock.now(), self.settings
        pace = await self.store.read_import_pace(settings.limits, now)
        per_second = pace.rate(settings.limits, pace.at)
        guests = sum(preview.counts[o] for o in ("new", "inDirectory", "member", "notLookedUp"))
        limits = settings.of(caller.object_id) | {group_key(group): settings.per_group}
        left, per_day = await self.store.read_day(limits, now), settings.per_day
        preview.per_minute, preview.today, preview.per_day = 60 * per_second, left, per_day
        preview.seconds = seconds_left(guests, timedelta(seconds=1 / per_second), left, per_day)


def seconds_left(guests: int, interval: timedelta, today: int, per_day: int) -> int:
    """How long so many guests take: by the pace, and by the days that the daily limits make of it."""
    if guests <= today:
        return round(guests * interval.total_seconds())
    days, last = divmod(guests - today, per_day)
    return round(timedelta(days=days + 1).total_seconds() + last * interval.total_seconds())


def _words(seconds: int) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "a minute"
