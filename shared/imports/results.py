"""The file of outcomes, a part at a time: the rows of the uploaded file in their order, and what became of each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from shared.core import continuations
from shared.core.caller import Caller
from shared.core.csv.records import Cursor
from shared.core.csv.results import COLUMNS, Result, result_cells, spreadsheet
from shared.core.ids import KINDS, ChunkId, GroupId, ImportId, chunk_id
from shared.core.reasons import Reason
from shared.imports.commands import ImportCommands
from shared.imports.model.imports import GuestRow, Import, ImportState, Progress, Rules
from shared.imports.read_rows import Piece, read_piece
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.ports import Store
from shared.storage.ports import Files

WINDOWS = 500
"""Of twenty rows, in one part: an answer that is made in seconds and fits into memory many times."""
_WAITING = "waiting"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ImportResults:
    commands: ImportCommands
    files: Files
    store: Store
    rules: Rules

    async def __call__(
        self, group: GroupId, import_id: ImportId, caller: Caller, continuation: str | None
    ) -> tuple[Import, bytes, str | None]:
        """The import, a part of its results, and where the next one begins (opaque; None at the end); only the first
        has the headings. Raises Refused `import-missing`, or `parameter-invalid` for a continuation that was never
        given out."""
        stored = await self.commands.look(group, import_id, caller)
        record, progress = stored.record.value, stored.progress.value
        cursor, window = continuations.read(continuation, _read) if continuation else (record.dialect.start, 0)
        piece = await read_piece(self.files, record, cursor, WINDOWS, self.rules)
        results = await self._results(record, progress, piece, window)
        content = spreadsheet(map(result_cells, results), () if continuation else COLUMNS)
        following = None if piece.ended else _written(piece.cursor, window + len(piece.windows))
        return record, content, following

    async def _results(self, record: Import, progress: Progress, piece: Piece, window: int) -> list[Result]:
        found = [Result(bad.line, bad.address, "failed", bad.reason, bad.detail) for bad in piece.bad]
        chunks = piece.chunks(record.id, window)
        known: dict[tuple[ChunkId, int], Invitation] = {}
        for each in {group for _, group, _ in chunks} & set(progress.targets):
            known |= await self._records(record, each, window, len(piece.windows))
        for chunk, _, rows in chunks:
            found += _of_chunk(rows, chunk, known, record.state)
        return sorted(found, key=lambda result: result.line)

    async def _records(
        self, record: Import, group: GroupId, window: int, count: int
    ) -> dict[tuple[ChunkId, int], Invitation]:
        """The records of a range of windows."""
        after = chunk_id(record.id, window - 1, KINDS - 1) if window else None
        last = chunk_id(record.id, window + count, 0) if count else None
        found: dict[tuple[ChunkId, int], Invitation] = {}
        while last is not None:
            rows = await self.store.read_import_rows(record.id, group, after=after, limit=_PAGE)
            for row in rows:
                found[row.value.id.chunk, row.value.id.position] = row.value
            if len(rows) < _PAGE or rows[-1].value.id.chunk >= last:
                break
            # The last chunk may be cut: it is read again, whole.
            after = _before(rows[-1].value.id.chunk)
        return found


def _of_chunk(
    rows: Sequence[GuestRow], chunk: ChunkId, known: dict[tuple[ChunkId, int], Invitation], state: ImportState
) -> list[Result]:
    found = []
    for position, row in enumerate(rows):
        invitation = known.get((chunk, position))
        if invitation is None:
            is_cancelled = state is ImportState.CANCELLED
            outcome, reason = (State.FAILED.value, Reason.CANCELLED) if is_cancelled else (_WAITING, None)
            found.append(Result(row.line, row.address.text, outcome, reason))
            continue
        can_use = invitation.state in (State.MEMBER, State.MAILING, State.MAILED)
        found.append(
            Result(
                line=row.line,
                address=row.address.text,
                outcome=invitation.state.value,
                reason=invitation.reason,
                detail=_detail(invitation),
                direct_link=invitation.direct_link if can_use else None,
            )
        )
    return found


def _detail(invitation: Invitation) -> str | None:
    if invitation.detail:
        return invitation.detail
    if invitation.already_member:
        return "was a member already"
    return "was in the directory already" if invitation.already_in_directory else None


def _before(chunk: ChunkId) -> ChunkId:
    return ChunkId(f"{int(chunk, 16) - 1:022x}")


def _written(cursor: Cursor, window: int) -> str:
    return continuations.written(json.dumps([*cursor.to_list(), window]).encode())


def _read(place: bytes) -> tuple[Cursor, int]:
    stored = json.loads(place)
    if not (isinstance(stored, list) and len(stored) == 5 and all(isinstance(n, int) and n >= 0 for n in stored)):
        raise ValueError
    return Cursor.from_list(stored[:4]), stored[4]
