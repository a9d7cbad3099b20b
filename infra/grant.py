"""Grants Guestlist's identity what the chosen features need on Microsoft Graph, and takes away the rest.

For tenants where the deployment itself may not grant: an administrator runs it, signed in with the Azure CLI or the
Azure Developer CLI. It reads what is held first, so it can be run again at any time.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.directory import Held, Principal, TenantDirectory
from infra.sign_in import Failed, address, token_for

DONE, REFUSED, USAGE = 0, 1, 2
"""Exit codes: all is as it was asked for; it could not be done; the command line is wrong."""

_HERE = Path(__file__).resolve().parent
_ALWAYS = "inviting"
OF_SETUP = ("setup", "access-packages")
"""What setup's own identity does (docs/adr/0018)."""
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """What there is to do: names to grant, assignments to take away, and what is as it should be."""

    grant: tuple[str, ...]
    revoke: tuple[Held, ...]
    stays: tuple[str, ...]
    others: tuple[str, ...]
    """Held, not needed, and left alone."""


def change_for(wanted: Sequence[str], held: Sequence[Held], *, revoke_others: bool) -> Change:
    """What makes the identity hold what is wanted, in the order of the table."""
    has = {h.permission for h in held}
    unneeded = tuple(h for h in held if h.permission not in set(wanted))
    return Change(
        grant=tuple(p for p in wanted if p not in has),
        revoke=unneeded if revoke_others else (),
        stays=tuple(p for p in wanted if p in has),
        others=() if revoke_others else tuple(sorted(h.permission for h in unneeded)),
    )


def shares(features: Sequence[str], identity: str, setup_identity: str) -> list[tuple[str, list[str]]]:
    """Which identity does what. Setup's features are for its own one; without one, all are for the same."""
    if not setup_identity:
        return [(identity, list(features))]
    found = [(identity, [f for f in features if f not in OF_SETUP])]
    if its := [f for f in features if f in OF_SETUP]:
        found.append((setup_identity, its))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code."""
    table = _table()
    given = parser().parse_args(arguments)
    features = [f for f in table if f in given.features]
    try:
        with httpx.Client(timeout=_TIMEOUT_S) as http:
            directory = TenantDirectory(
                http, given.graph_url, token_for(given.graph_url, given.token_file), patience_s=given.wait
            )
            directory.open()
            for id_, its in shares(features, given.identity, given.setup_identity):
                identity = directory.identity(id_)
                wanted = list(dict.fromkeys(p for f in its for p in table[f]))
                change = change_for(wanted, directory.held(identity), revoke_others=given.revoke_others)
                _carry_out(directory, identity, change, its, dry=given.dry_run)
    except Failed as e:
        print(f"grant: {e}.", file=sys.stderr)
        return REFUSED
    return DONE


def _carry_out(
    directory: TenantDirectory, identity: Principal, change: Change, features: Sequence[str], *, dry: bool
) -> None:
    words = _Words(features)
    print(f"Identity: {identity.name} ({identity.id}). Features: {', '.join(features)}.")
    for permission in change.stays:
        print(f"  held     {permission}: {words.purpose(permission)}")
    for permission in change.grant:
        if not dry:
            directory.grant(identity, permission)
        print(f"  {'to grant' if dry else 'granted '} {permission}: {words.purpose(permission)}")
        print(f"           It allows at most: {words.allows(permission)}")
    for held in change.revoke:
        if not dry:
            directory.revoke(identity, held)
        print(f"  {'to take ' if dry else 'taken   '} {held.permission}: no chosen feature needs it")
    for permission in change.others:
        print(f"  left     {permission}: no chosen feature needs it; --revoke-others takes it away")
    if dry and (change.grant or change.revoke):
        print("Nothing was changed: run it again without --dry-run.")
    elif change.grant or change.revoke:
        print("It counts from the identity's next token on: restart the function app, and allow for a day.")
    else:
        print("Nothing is to be changed.")


class _Words:
    """What a permission is for and what it allows, in plain words."""

    def __init__(self, features: Sequence[str]) -> None:
        self._features = features
        self._table: dict[str, Any] = json.loads((_HERE / "permissions-in-words.json").read_text(encoding="utf-8"))

    def purpose(self, permission: str) -> str:
        purposes: dict[str, str] = self._table[permission]["purposes"]
        return "; ".join(f"{purposes[f]} ({f})" for f in self._features if f in purposes)

    def allows(self, permission: str) -> str:
        return str(self._table[permission]["allows"])


def _table() -> dict[str, list[str]]:
    """The permissions of each feature."""
    table: dict[str, list[str]] = json.loads((_HERE / "permissions.json").read_text(encoding="utf-8"))
    return table


def parser() -> argparse.ArgumentParser:
    """The command line."""
    table = _table()
    parser = argparse.ArgumentParser(prog="grant", description=(__doc__ or "").split("\n", maxsplit=1)[0])

    def features(text: str) -> set[str]:
        names = {part.strip() for part in text.lower().split(",") if part.strip()}
        if names == {"all"}:
            return set(table)
        if unknown := sorted(names - table.keys()):
            known = ", ".join(table)
            raise argparse.ArgumentTypeError(f"no feature is called {', '.join(unknown)}; known are {known}, or all")
        return names | {_ALWAYS}

    parser.add_argument(
        "--identity", required=True, metavar="ID", help="client id or object id of Guestlist's managed identity"
    )
    parser.add_argument(
        "--features",
        required=True,
        type=features,
        metavar="NAMES",
        help=f"by commas: {', '.join(table)}; or all. {_ALWAYS} is always among them",
    )
    parser.add_argument(
        "--setup-identity",
        default="",
        metavar="ID",
        help=f"setup's own identity: gets what {' and '.join(OF_SETUP)} need, and the other does not",
    )
    parser.add_argument("--revoke-others", action="store_true", help="take away what those features do not need")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument(
        "--graph-url",
        type=address,
        default="https://graph.microsoft.com/v1.0",
        metavar="URL",
        help="base address of Microsoft Graph (national clouds differ)",
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="an access token for Microsoft Graph, instead of the sign-in of az or azd",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="how long to wait, in all, for an identity that was made just now (default: 120)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
