"""A bulk import: one file of guests for a group, how far it was read, and what people decided about it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from shared.core.addresses import ERASED_ADDRESS, Address, parse_address
from shared.core.csv.dialect import Dialect
from shared.core.csv.records import Cursor
from shared.core.csv.rows import Invalid, Row, is_erased
from shared.core.errors import Refused
from shared.core.ids import GroupId, ImportId, UserId, group_id
from shared.core.personal import Personal, Redaction, Says
from shared.core.reasons import Reason
from shared.core.texts import guest_name, lines
from shared.invitations.model.invitations import Invitation
from shared.membership.model.apps import Policy

_TRANSACTION, _COUNTER = 100, 1


class ImportState(StrEnum):
    """What people decided. Whether a running import is done, its counters say."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    UNDOING = "undoing"


@dataclass(frozen=True, slots=True)
class Target:
    """A group that guests are imported to, as it was when a piece of the file was last read for it; `refused` says
    why none can be."""

    app_name: str = ""
    direct_link: str = ""
    policies: tuple[Policy, ...] = ()
    refused: Reason | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """What all instances know of whether guests of an import may be let into a group, which one of them asks for all.

    Until `until` there is a `target`, as the directory said; or none, as the directory wants nobody to ask before.
    Until `asked_until` an instance asks, for the first time or again. It holds for one `version` of the import's
    record: where somebody else answers for the import, it is asked again.
    """

    version: str = ""
    until: datetime = datetime(1, 1, 1, tzinfo=UTC)
    target: Target | None = None
    asked_until: datetime | None = None

    def is_asked(self, now: datetime) -> bool:
        return self.asked_until is not None and self.asked_until > now

    def at(self, now: datetime) -> Target | None:
        """The target, where it counts at that time."""
        return self.target if self.until > now else None


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `dialect` says how the file is read; `for_admin` lets rows name other groups. `why` says what
    Guestlist itself paused it for. Whoever resumed it last answers for what is done from then on."""

    id: ImportId
    group: GroupId
    file_name: str
    size: int
    dialect: Dialect
    creator: Annotated[UserId, Personal("who imported", Redaction.PSEUDONYM, Says.USER)]
    creator_name: Annotated[str, Personal("who imported", Redaction.ERASED, Says.NAME)]
    for_admin: bool
    created_at: datetime
    digest: str
    state: ImportState = ImportState.RUNNING
    finished_at: datetime | None = None
    why: str | None = None
    resumer: Annotated[UserId | None, Personal("who resumed it", Redaction.PSEUDONYM, Says.USER)] = None
    resumer_name: Annotated[str, Personal("who resumed it", Redaction.ERASED, Says.NAME)] = ""

    @property
    def authority(self) -> UserId:
        """Whose right to invite counts."""
        return self.resumer or self.creator

    @property
    def authority_name(self) -> str:
        return self.resumer_name if self.resumer else self.creator_name


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the file was read. `pieces` counts the deliveries that read on: a message that names another count
    is an old one. `bad` are rows that cannot be used, by reason; they have no record but the file itself.
    `wakes_at` is when reading goes on, and `why` what it waits for. Until `made_until` a delivery makes chunks of the
    next piece, and no other does."""

    cursor: Cursor
    pieces: int = 0
    windows: int = 0
    rows: int = 0
    bad: Mapping[str, int] = field(default_factory=dict)
    targets: Mapping[GroupId, Target] = field(default_factory=dict)
    all_read: bool = False
    wakes_at: datetime | None = None
    why: str | None = None
    made_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class GuestRow:
    """A row that can be used: its address is one."""

    line: int
    address: Address
    group: GroupId
    display_name: str | None
    message: str | None
    language: str | None
    expires: date | None
    next_cursor: Cursor


def by_group(window: Sequence[GuestRow]) -> list[tuple[GroupId, list[GuestRow]]]:
    """The rows of each group, groups in the order in which they are named."""
    groups: dict[GroupId, list[GuestRow]] = {}
    for row in window:
        groups.setdefault(row.group, []).append(row)
    return list(groups.items())


def in_transactions(chunks: Iterable[list[Invitation]]) -> Iterator[list[list[Invitation]]]:
    """Chunks that are written at once: neighbours of one group without a common address, as many as a transaction of
    Table Storage has rows for. Source: Performing entity group transactions ("at most 100 entities")."""
    together: list[list[Invitation]] = []
    rows, seen = _COUNTER, set[str]()
    for chunk in chunks:
        open_ = [i for i in chunk if not i.is_final]
        keys = {i.address.key for i in open_}
        # A record each; who is not at the end has a guard, and a row for the last day; a mark of the chunk.
        count = len(chunk) + len(open_) + sum(1 for i in open_ if i.expires) + bool(open_)
        is_near = together and together[0][0].id.group == chunk[0].id.group
        if together and (not is_near or rows + count > _TRANSACTION or seen & keys):
            yield together
            together, rows, seen = [], _COUNTER, set()
        together.append(chunk)
        rows += count
        seen |= keys
    if together:
        yield together


def rate(final: int, started: datetime, now: datetime) -> float | None:
    """Guests per second so far; None where it is too early to say."""
    seconds = (now - started) / timedelta(seconds=1)
    return final / seconds if final and seconds >= 1 else None


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

type Bad = tuple[Reason, str]
"""Why a row cannot be used, and what exactly is wrong."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about a row besides the row and its import."""

    message_limit: int
    sends_own_mail: bool


def read_row(row: Row | Invalid, record: Import, rules: Rules) -> GuestRow | Bad:
    """The guest of a row, or why there is none. The same row gives the same answer whenever it is read."""
    if isinstance(row, Invalid):
        return Reason.ROW_INVALID, f"{row.column}: {row.what}" if row.column else row.what
    try:
        address = ERASED_ADDRESS if is_erased(row.address) else parse_address(row.address)
        of_group = _group(row, record)
        # A cell may have lines, as spreadsheets write them; a name has one.
        name = guest_name(" ".join((row.display_name or "").split()), row.address)
    except Refused as e:
        is_name = e.reason is Reason.NAME_INVALID
        return (Reason.ROW_INVALID, f"name: {e.detail}") if is_name else (e.reason, e.detail or "")
    if row.message is not None and not rules.sends_own_mail:
        return Reason.NO_MAIL_SENDER, "The row has a message"
    if row.message is not None and len(row.message) > (most := rules.message_limit):
        return Reason.MESSAGE_TOO_LONG, f"The message has {len(row.message)} characters; {most} are allowed"
    if row.language is not None and (len(row.language) > 35 or not _LANGUAGE.fullmatch(row.language)):
        return Reason.ROW_INVALID, f"language: '{row.language[:40]}' is none such as de or en-GB"
    return GuestRow(
        line=row.line,
        address=address,
        group=of_group,
        display_name=name,
        message=lines(row.message) if row.message else None,
        language=row.language,
        expires=row.expires,
        next_cursor=row.next_cursor,
    )


def _group(row: Row, record: Import) -> GroupId:
    if row.group is None:
        return record.group
    try:
        named = group_id(row.group)
    except ValueError as e:
        raise Refused(Reason.ROW_INVALID, f"group: '{row.group[:40]}' is no object id of a group") from e
    if named != record.group and not record.for_admin:
        raise Refused(Reason.NOT_ADMIN, "Only an administrator may name other groups in a file")
    return named
