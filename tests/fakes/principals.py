"""Principals in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.core.ids import UserId
from shared.graph.ports import Standing

MEMBER = Standing(enabled=True, is_guest=False, is_app=False)
GUEST = Standing(enabled=True, is_guest=True, is_app=False)
DISABLED = Standing(enabled=False, is_guest=False, is_app=False)
APP = Standing(enabled=True, is_guest=False, is_app=True)


@dataclass
class FakePrincipals:
    """Everybody not in `known` is as `otherwise` says; None for unknown to the directory. `fails` are errors that the
    next calls end with."""

    known: dict[UserId, Standing | None] = field(default_factory=dict)
    roles: dict[UserId, frozenset[str]] = field(default_factory=dict)
    otherwise: Standing | None = MEMBER
    fails: list[Exception] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def standing(self, ids: Sequence[UserId], *, keep: bool = False) -> Mapping[UserId, Standing]:
        self._called("standing")
        found = {id_: self.known.get(id_, self.otherwise) for id_ in ids}
        return {id_: standing for id_, standing in found.items() if standing is not None}

    async def roles_of(self, id_: UserId) -> frozenset[str]:
        self._called("roles_of")
        return self.roles.get(id_, frozenset())

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.fails:
            raise self.fails.pop(0)
