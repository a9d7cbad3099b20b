"""Names for the identifiers that pass through Guestlist, so that one cannot be handed in for another."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Self

GroupId = NewType("GroupId", str)
"""Object id of a group: a GUID in lower case with dashes."""
UserId = NewType("UserId", str)
"""Object id of a user or a service principal: a GUID in lower case with dashes."""
AppId = NewType("AppId", str)
"""Application (client) id: a GUID in lower case with dashes. The same in every tenant."""
PrincipalId = NewType("PrincipalId", str)
"""Object id of a service principal (the 'enterprise application'): a GUID in lower case with dashes."""
ChunkId = NewType("ChunkId", str)
"""22 hex digits: 12 of inverted time, so that the newest sorts first, and 10 random ones."""
ImportId = NewType("ImportId", str)
"""22 hex digits: 12 of inverted time, so that the newest sorts first, and 10 random ones, of which the first four
are in the ids of its chunks."""
AuditId = NewType("AuditId", str)
"""22 hex digits: 12 of inverted time, so that the newest sorts first, and 10 random ones."""
SubjectRequestId = NewType("SubjectRequestId", str)
"""22 hex digits: 12 of inverted time, so that the newest sorts first, and 10 random ones."""
RequestId = NewType("RequestId", str)
"""22 hex digits, of the group and the address: somebody who asks twice has one request."""
SetupId = NewType("SetupId", str)
"""22 hex digits."""

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INVITATION = re.compile(r"(?P<group>[0-9a-f]{32})-(?P<chunk>[0-9a-f]{22})-(?P<position>[0-9]{2})")
_LAST_MS = 0xFFFF_FFFF_FFFF


def is_guid(text: str) -> bool:
    return _GUID.fullmatch(text.lower()) is not None


def group_id(text: str) -> GroupId:
    """Read a group's object id; raises `ValueError` where the text is no GUID."""
    lowered = text.strip().lower()
    if not is_guid(lowered):
        raise ValueError(f"{text!r} is not an object id (a GUID)")
    return GroupId(lowered)


def new_id(now: datetime, random_hex: str) -> ChunkId:
    """Make a chunk's id of the moment it was accepted and ten random hex digits."""
    if len(random_hex) != 10:
        raise ValueError("ten random hex digits are needed")
    inverted = _LAST_MS - int(now.timestamp() * 1000)
    return ChunkId(f"{inverted:012x}{random_hex}")


@dataclass(frozen=True, slots=True)
class InvitationId:
    """Where an invitation lives: its group, its chunk and its place in the chunk.

    The text form is what callers see. It names the partition and the row, so that reading one invitation
    is a point read; it grants nothing.
    """

    group: GroupId
    chunk: ChunkId
    position: int

    def __str__(self) -> str:
        return f"{self.group.replace('-', '')}-{self.chunk}-{self.position:02d}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form; raises `ValueError` for anything else."""
        found = _INVITATION.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is not an invitation's id")
        g = found["group"]
        return cls(
            group=GroupId(f"{g[:8]}-{g[8:12]}-{g[12:16]}-{g[16:20]}-{g[20:]}"),
            chunk=ChunkId(found["chunk"]),
            position=int(found["position"]),
        )


KINDS = 16
"""Groups that the rows of one window may name: the last digit of a chunk's id tells them apart."""


def chunk_id(import_id: ImportId, window: int, kind: int) -> ChunkId:
    """The chunk of a window's rows for one of its groups. The same file gives the same ids each time it is read,
    and ids sort as the rows of the file do."""
    if not 0 <= window < 16**5 or not 0 <= kind < KINDS:
        raise ValueError("a file has at most a million windows of twenty, each of sixteen groups")
    return ChunkId(f"{import_id[:16]}{window:05x}{kind:x}")


def chunks_of(import_id: ImportId) -> str:
    """What the ids of all chunks of an import begin with."""
    return import_id[:16]
