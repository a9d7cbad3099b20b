"""Where Guestlist keeps imports: the record, how far the file was read, and its counters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shared.core.ids import GroupId, ImportId
from shared.core.versions import Versioned
from shared.imports.model.imports import Admission, Import, Progress
from shared.storage.ports import OpenWork


@dataclass(frozen=True, slots=True)
class StoredImport:
    """Both records of an import, each in the version it was read in; and of the groups that were asked for, whether
    its guests may be let in."""

    record: Versioned[Import]
    progress: Versioned[Progress]
    admissions: Mapping[GroupId, Versioned[Admission]] = field(default_factory=dict)


class ImportStore(OpenWork[ImportId], Protocol):
    """All methods raise StorageBusy where storage does not take the operation, and those that save Conflict where it
    changed since it was read."""

    async def create(self, record: Import, progress: Progress) -> None:
        """Write a new import. Raises Conflict where there is one of this id."""

    async def name(self, key: str, fresh: ImportId) -> ImportId:
        """The id of the import that an idempotency key (its digest) stands for: `fresh`, unless the key was used
        before. Ids begin with time, which a key does not. Safe to repeat; of two at a time both get the same."""

    async def read(self, import_id: ImportId, group: GroupId | None = None) -> StoredImport | None:
        """With a `group`, whether guests may be let into it is read in the same request."""

    async def save(self, record: Versioned[Import]) -> Versioned[Import]: ...

    async def save_progress(self, import_id: ImportId, progress: Versioned[Progress]) -> Versioned[Progress]: ...

    async def save_admission(
        self, import_id: ImportId, group: GroupId, admission: Versioned[Admission]
    ) -> Versioned[Admission]: ...

    async def list_group(self, group: GroupId, limit: int) -> list[ImportId]:
        """The imports of a group, the newest first."""
