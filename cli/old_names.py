"""What the version before called otherwise: done for one version more, with a word on what it is called now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from typer.core import TyperGroup

from cli.session import Session

NOUNS = {
    "apps": ("app", "list"),
    "import": ("import", "create"),
    "imports": ("import", "list"),
    "invitations": ("invitation", "list"),
    "invite": ("invitation", "create"),
    "setup": ("setup", "create"),
}
"""Nouns that stood without a verb: what they are called now, and the verb that was meant."""
VERBS = {("audit", "put-right"): "apply", ("audit", "trail"): "change-log", ("setup", "start"): "create"}
NOTE = "the next version knows no other name"


def present(args: list[str], verbs_of: Mapping[str, Collection[str]]) -> list[str]:
    """A command by its present name; `verbs_of` has the verbs of each noun."""
    noun, *rest = args
    name, default = NOUNS.get(noun, (noun, None))
    verb = rest[0] if rest else None
    if verb in verbs_of.get(name, ()):
        return [name, *rest]
    if (name, verb) in VERBS:
        return [name, VERBS[name, str(verb)], *rest[1:]]
    if default and (name != noun or verb not in (None, "--help", "-h")):
        return [name, default, *rest]
    return args


class PresentNames(TyperGroup):
    """Finds commands by their old names too."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        found = present(args, {name: getattr(each, "commands", {}) for name, each in self.commands.items()})
        if found != args:
            Session().tell(f"This is called 'guestlist {' '.join(found[:2])}' now; {NOTE}.")
        return super().resolve_command(ctx, found)
