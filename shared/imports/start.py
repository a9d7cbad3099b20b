"""Somebody uploads a file: decide, keep it, write down, set going; or only say what would happen."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from shared.core.caller import Caller
from shared.core.clock import Clock, Timing
from shared.core.csv.dialect import HEAD_BYTES, Dialect, detect
from shared.core.errors import Conflict, Refused, StorageBusy
from shared.core.ids import GroupId, ImportId, new_id
from shared.core.reasons import Reason
from shared.imports.model.imports import Import, Progress
from shared.imports.ports import ImportStore
from shared.imports.targets import Targets
from shared.membership.model.access import Action, may, tenant_roles
from shared.messages.commands import SplitImport
from shared.messages.ports.outbox import Outbox
from shared.storage.ports.files import Files

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
    targets: Targets
    imports: ImportStore
    files: Files
    outbox: Outbox
    clock: Clock
    timing: Timing

    async def __call__(self, upload: Upload, caller: Caller, key: str | None) -> ImportId:
        """Take the import; with an idempotency key a repeat gives the same id.

        Raises:
            Refused: for any reason of the file, the caller or the group.
            DirectoryBusy, StorageBusy: nothing was taken.
        """
        target = await self.targets.of_caller(upload.group, caller)
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
            # Taken is taken: the sweeper sets it going.
            await self.imports.open(import_id, now)
        return import_id


def _same(there: Import, digest: str) -> ImportId:
    if there.digest != digest:
        raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    return there.id
