"""The splitter in a process of its own: ``python -m bench.imports.splitter keep ROWS`` uploads a file and prints the
import's id, ``… split ID`` reads it to its end and prints what that took.

Real are the file in Blob Storage, the record and the cursor of the import, the pace and the daily limits. The chunks
are counted, and neither written nor enqueued: a million rows would fill the storage emulator's memory.
"""

import asyncio
import dataclasses
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from bench.imports.files import csv_file
from local.tenant import OWNER, SampleTenant
from shared import wiring
from shared.core.caller import Caller
from shared.core.ids import GroupId, ImportId, UserId
from shared.imports.start import Upload
from shared.invitations.model.invitations import Invitation
from shared.invitations.ports import Guard
from shared.invitations.rows.store import TableStore
from shared.messages.commands import Command, ImportChunk, SplitImport
from shared.storage.accounts import table_service


class CountedChunks(TableStore):
    """Tables, but chunks of imports are only counted."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(table_service(environment))
        self.chunks = 0
        self.guests = 0

    async def accept_import(
        self, invitations: Sequence[Invitation], guards: Mapping[str, Guard], look_at: datetime
    ) -> None:
        # A transaction has several chunks.
        self.chunks += len({invitation.id.chunk for invitation in invitations})
        self.guests += len(invitations)


class CountedMessages:
    """Takes messages and counts them."""

    def __init__(self) -> None:
        self.sent = 0

    async def send(self, command: Command, *, not_before: datetime | None = None) -> None:
        del not_before
        self.sent += isinstance(command, ImportChunk)


def forget_peak() -> None:
    """Count the peak from now on, at what is in use now. Source: proc_pid_clear_refs(5)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """The most memory that this process had since `forget_peak` (Linux)."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("this system does not tell the peak of a process's memory")
    return int(found[1]) / 1024


async def keep(rows: int) -> str:
    """Take a file of so many rows as the API does; gives the import's id."""
    app = await wiring.app()
    tenant = SampleTenant.read()
    person = tenant.person(OWNER)
    caller = Caller(UserId(person["id"]), person["displayName"], frozenset(), is_app=False)
    upload = Upload(GroupId(tenant.group_of(person)["id"]), f"{rows}.csv", csv_file(rows, f"memory-{rows}"))
    start = dataclasses.replace(app.imports.start, outbox=CountedMessages())
    return str(await start(upload, caller, None))


async def split(import_id: ImportId, environment: Mapping[str, str]) -> dict[str, float]:
    """Read an import's file to its end, delivery after delivery."""
    app = await wiring.app()
    store, outbox = CountedChunks(environment), CountedMessages()
    step = dataclasses.replace(app.imports.split, store=store, outbox=outbox)
    forget_peak()
    before, since, deliveries = peak_mb(), time.perf_counter(), 0
    todo: Command | None = SplitImport(import_id, 0)
    while isinstance(todo, SplitImport):
        outcome = await step(todo)
        if outcome.later is not None:
            raise RuntimeError(f"the splitter waits: {outcome.later.why}")
        todo = outcome.then[0] if outcome.then else None
        deliveries += 1
    if store.chunks != outbox.sent:
        raise RuntimeError(f"{store.chunks} chunks, {outbox.sent} messages")
    return {
        "before": before,
        "peak": peak_mb(),
        "seconds": time.perf_counter() - since,
        "guests": store.guests,
        "deliveries": deliveries,
    }


def main() -> None:
    import os

    match sys.argv[1:]:
        case ["keep", rows]:
            print(asyncio.run(keep(int(rows))))
        case ["split", import_id]:
            print(json.dumps(asyncio.run(split(ImportId(import_id), os.environ))))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
