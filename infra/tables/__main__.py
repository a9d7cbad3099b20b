"""``python3 dev.py operate tables``: backs the tables up, restores them, compares."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from infra.tables.accounts import SUFFIX, connect
from infra.tables.backup import back_up
from infra.tables.compare import compare
from infra.tables.folder import Folder
from infra.tables.problems import Problem
from infra.tables.restore import Existing, restore


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="dev.py operate tables", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser(
        "backup", help="every table into a folder", description="Needs the role Storage Table Data Reader."
    )
    one.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="a new or empty folder")
    one.add_argument("--files", action="store_true", help="the files of imports that can still be undone, too")
    _account(one, required=True)
    one = commands.add_parser(
        "restore",
        help="a backup into an account",
        description="Needs the role Storage Table Data Contributor. The app must be stopped meanwhile.",
    )
    one.add_argument("--from", dest="source", type=Path, required=True, metavar="FOLDER", help="of the backup")
    one.add_argument(
        "--into-existing",
        type=Existing,
        choices=list(Existing),
        help="go on though the account has rows: those of the backup replace them, or they are kept",
    )
    _account(one, required=True)
    one = commands.add_parser(
        "verify", help="is a backup whole, and with an account: does the account have the same rows"
    )
    one.add_argument("--from", dest="source", type=Path, required=True, metavar="FOLDER", help="of the backup")
    _account(one, required=False)
    return whole


def _account(command: argparse.ArgumentParser, *, required: bool) -> None:
    which = command.add_mutually_exclusive_group(required=required)
    which.add_argument(
        "--account", metavar="NAME", help="storage account; you sign in with az login or azd auth login"
    )
    which.add_argument("--connection", metavar="TEXT", help="connection string, of Azurite for example")
    command.add_argument("--suffix", default=SUFFIX, help=f"of the cloud's storage (default: {SUFFIX})")


async def run(given: argparse.Namespace) -> int:
    """One command; gives its exit status."""
    if given.command == "verify":
        folder = Folder(given.source)
        folder.check(folder.read(), tell)
        if given.account is None and given.connection is None:
            return 0
        async with connect(given.account, given.connection, given.suffix) as account:
            return 1 if await compare(folder, account, tell) else 0
    async with connect(given.account, given.connection, given.suffix) as account:
        if given.command == "backup":
            await back_up(account, Folder(given.to), files=given.files, tell=tell)
        else:
            await restore(Folder(given.source), account, existing=given.into_existing, tell=tell)
    return 0


def tell(text: str) -> None:
    print(text, flush=True)


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # what goes wrong is said once, below
    try:
        return asyncio.run(run(given))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, for example
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
