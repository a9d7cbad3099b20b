"""Imports and their files in memory."""

import itertools
from dataclasses import dataclass, field, replace

from shared.core.errors import Conflict, Refused
from shared.core.ids import GroupId, ImportId
from shared.core.reasons import Reason
from shared.core.versions import Versioned
from shared.imports.model.imports import Admission, Import, Progress
from shared.imports.ports import StoredImport
from tests.fakes.open_work import FakeOpenWork


@dataclass
class FakeImportStore(FakeOpenWork[ImportId]):
    imports: dict[ImportId, StoredImport] = field(default_factory=dict)
    keys: dict[str, ImportId] = field(default_factory=dict)
    admissions: dict[tuple[ImportId, GroupId], Versioned[Admission]] = field(default_factory=dict)
    _versions: "itertools.count[int]" = field(default_factory=itertools.count)

    def _version(self) -> str:
        return str(next(self._versions))

    async def create(self, record: Import, progress: Progress) -> None:
        if record.id in self.imports:
            raise Conflict("the import is there already")
        self.imports[record.id] = StoredImport(
            Versioned(record, self._version()), Versioned(progress, self._version())
        )

    async def name(self, key: str, fresh: ImportId) -> ImportId:
        return self.keys.setdefault(key, fresh)

    async def read(self, import_id: ImportId, group: GroupId | None = None) -> StoredImport | None:
        stored = self.imports.get(import_id)
        if stored is None or group is None:
            return stored
        admission = self.admissions.get((import_id, group), Versioned(Admission(), None))
        return replace(stored, admissions={group: admission})

    async def save(self, record: Versioned[Import]) -> Versioned[Import]:
        there = self.imports[record.value.id]
        if there.record.version != record.version:
            raise Conflict("the import changed")
        saved = Versioned(record.value, self._version())
        self.imports[record.value.id] = StoredImport(saved, there.progress)
        return saved

    async def save_progress(self, import_id: ImportId, progress: Versioned[Progress]) -> Versioned[Progress]:
        there = self.imports[import_id]
        if there.progress.version != progress.version:
            raise Conflict("the progress changed")
        saved = Versioned(progress.value, self._version())
        self.imports[import_id] = StoredImport(there.record, saved)
        return saved

    async def save_admission(
        self, import_id: ImportId, group: GroupId, admission: Versioned[Admission]
    ) -> Versioned[Admission]:
        there = self.admissions.get((import_id, group))
        if (there.version if there else None) != admission.version:
            raise Conflict("the admission changed")
        saved = Versioned(admission.value, self._version())
        self.admissions[import_id, group] = saved
        return saved

    async def list_group(self, group: GroupId, limit: int) -> list[ImportId]:
        return sorted(i for i, s in self.imports.items() if s.record.value.group == group)[:limit]


@dataclass
class FakeFiles:
    kept: dict[ImportId, bytes] = field(default_factory=dict)

    async def write(self, import_id: ImportId, content: bytes) -> None:
        self.kept[import_id] = content

    async def read(self, import_id: ImportId, offset: int, length: int) -> bytes:
        if import_id not in self.kept:
            raise Refused(Reason.FILE_GONE)
        return self.kept[import_id][offset : offset + length]

    async def delete(self, import_id: ImportId) -> None:
        self.kept.pop(import_id, None)
