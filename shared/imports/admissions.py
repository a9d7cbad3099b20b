"""Whether an import's guests may be let into a group: one instance asks the directory, and all know what it said.

All chunks ask the same, on every instance and often at the same moment. If each asked for itself, one of them would
be answered 429 and the others would ask on before its Retry-After. While one asks again, shortly before what is known
runs out, the others go by that.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.clock import Clock
from shared.core.errors import Conflict, DirectoryBusy, Refused
from shared.core.ids import GroupId, ImportId
from shared.core.ttl_cache import REMEMBERED, TtlCache
from shared.core.versions import Versioned
from shared.imports.authority import Authority
from shared.imports.model.imports import Admission, Import, Target
from shared.imports.ports import ImportStore, StoredImport

_REFUSED_SOME = timedelta(seconds=10)
"""How long an answer counts that was given after some reads had been refused. Half a dozen reads make an answer."""
_AHEAD = timedelta(seconds=0.5)
"""So long before an answer runs out it is asked again: about as long as asking takes."""
_LEASE = timedelta(seconds=10)
_SHORT = timedelta(seconds=3)
"""A Retry-After that is waited for in place, by the instance that has most of the answers already."""
_TRIES = 8
_LOOKS, _PAUSE_S = 5, 0.2
_SOON = timedelta(seconds=1)
_ROOM = 200

type _Key = tuple[ImportId, GroupId]


@dataclass(slots=True)
class Admissions:
    authority: Authority
    imports: ImportStore
    clock: Clock
    _known: dict[_Key, Versioned[Admission]] = field(default_factory=dict)
    _lines: defaultdict[_Key, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _imports: dict[_Key, TtlCache[StoredImport | None]] = field(default_factory=dict)

    async def look(self, import_id: ImportId, group: GroupId, now: datetime) -> StoredImport | None:
        """The import as it was within `REMEMBERED`."""
        return await self._cached((import_id, group)).at(now)

    async def need(self, stored: StoredImport, group: GroupId) -> Target:
        """The group, where whoever answers for the import may let guests into it: as it was within `REMEMBERED`, and
        where the directory refused some of the reads, within `_REFUSED_SOME`. Raises Refused as
        `Authority.require_target`; DirectoryBusy where it wants nobody to ask for a while, or another instance takes
        long to ask."""
        key, version = (stored.record.value.id, group), stored.record.version or ""
        if len(self._known) >= _ROOM:
            self._known.clear()
            self._lines.clear()
        line, there = self._lines[key], self._known.get(key)
        if there is not None and (target := self._target(there.value, version, in_hand=line.locked())) is not None:
            return target
        # The chunks of this instance stand in line: the first asks.
        async with line:
            there, is_read = self._known.get(key), False
            for _ in range(_LOOKS):
                if there is None:
                    there, is_read = await self._read(key), True
                known, now = there.value, self.clock.now()
                if (target := self._target(known, version)) is not None:
                    return target
                if known.version == version and known.target is None and known.until > now:
                    raise DirectoryBusy("it wants nobody to ask who may invite yet", retry_after=known.until - now)
                if known.version != version or not known.is_asked(now):
                    # Another may have asked since this was read; where nobody had ever, that shows as a conflict.
                    if is_read or there.version is None:
                        with suppress(Conflict):
                            return await self._ask(stored.record.value, version, group, there)
                elif is_read:
                    await asyncio.sleep(_PAUSE_S)
                there = None
        raise DirectoryBusy("another instance asks who may invite", retry_after=_SOON)

    def _target(self, known: Admission, version: str, *, in_hand: bool = False) -> Target | None:
        """What is known, where it counts and nobody needs to ask again by now."""
        now = self.clock.now()
        at = now if in_hand or known.is_asked(now) else now + _AHEAD
        return known.at(at) if known.version == version else None

    def _cached(self, key: _Key) -> TtlCache[StoredImport | None]:
        if key not in self._imports:
            if len(self._imports) >= _ROOM:
                self._imports.clear()
            self._imports[key] = TtlCache(lambda: self._read_import(key))
        return self._imports[key]

    async def _read_import(self, key: _Key) -> StoredImport | None:
        stored = await self.imports.read(*key)
        self._known[key] = stored.admissions[key[1]] if stored is not None else Versioned(Admission(), None)
        return stored

    async def _read(self, key: _Key) -> Versioned[Admission]:
        now = self.clock.now()
        self._cached(key).put(await self._read_import(key), now)
        return self._known[key]

    async def _ask(self, record: Import, version: str, group: GroupId, there: Versioned[Admission]) -> Target:
        """Ask for all. Raises Conflict where another instance was faster."""

        async def save(known: Admission) -> None:
            nonlocal there
            there = await self.imports.save_admission(record.id, group, replace(there, value=known))
            self._known[record.id, group] = there

        known = there.value if there.value.version == version else Admission(version)
        asking = replace(known, asked_until=self.clock.now() + _LEASE)
        await save(asking)
        counts_for = REMEMBERED
        for tries_left in reversed(range(_TRIES)):
            asked_at = self.clock.now()
            try:
                target = await self.authority.require_target(record, group)
            except DirectoryBusy as e:
                until = self.clock.now() + (e.retry_after or _SOON)
                if not tries_left or e.retry_after is None or e.retry_after > _SHORT:
                    await save(Admission(version, until))
                    raise
                await save(replace(asking, asked_until=until + _LEASE))
                await asyncio.sleep(e.retry_after.total_seconds())
                counts_for = _REFUSED_SOME
            except Refused:
                await save(Admission())
                raise
            else:
                break
        # Chunks need the domains; who approves requests stays out of another row.
        target = replace(target, policies=tuple(replace(policy, approvers=()) for policy in target.policies))
        await save(Admission(version, asked_at + counts_for, target))
        return target
