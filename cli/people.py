"""``guestlist person``: what is kept of a person, fetched or erased."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.failures import INTERRUPTED, SOME_FAILED, WAITS_FOR_A_PERSON, Misuse
from cli.following import Watch
from cli.options import command
from cli.session import Session, print_json
from cli.visible import json_text

if TYPE_CHECKING:
    from rich.console import RenderableType

group = typer.Typer(no_args_is_help=True, help="Export or erase a person's data.", rich_markup_mode=None)

Address = Annotated[str | None, typer.Argument(metavar="[ADDRESS]", help="The person's mail address.")]
User = Annotated[str | None, typer.Option("--user", metavar="ID", help="Object id of the person's account.")]


@group.command("export")
@command
def export(
    session: Session,
    address: Address = None,
    user: User = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the data goes. Without it it is printed.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Gather all that is kept of a person, as JSON."""
    subject = _subject(address, user)
    if out is not None and out.exists() and not force:
        raise Misuse(f"{out} is there already", None, "Name another file with --out, or overwrite with --force")
    if out is not None and not out.parent.is_dir():
        raise Misuse(f"There is no folder {out.parent}", None, "Make it, or name another file with --out")
    found = _follow(session, "/api/people/exports", subject)
    if found["state"] != "done":
        session.tell("The export was deleted before it could be fetched. Ask for it again.")
        session.finish(found, SOME_FAILED)
    _check(session, found)
    if out is not None:
        out.write_text(json_text(found) + "\n", encoding="utf-8")
        session.tell(f"Written to {out}: {_total(found)} records.")
    elif not session.as_json:
        print_json(found)
    session.finish(found)


@group.command("erase")
@command
def erase(
    session: Session,
    address: Address = None,
    user: User = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase all that is kept of a person, after showing what it is. It cannot be taken back."""
    subject, path = _subject(address, user), "/api/people/erasures"
    shown = _follow(session, path, subject)
    _check(session, shown)
    _table(session, shown)
    for each in shown["underWay"]:
        session.say(f"Under way: {each}", style="yellow")
    if not shown["found"]:
        session.say("Nothing is kept of this person.")
        session.finish(shown)
    if not yes:
        if not session.may_ask:
            session.tell("Nothing was erased: repeat it with --yes.")
            session.finish(shown, WAITS_FOR_A_PERSON)
        if not typer.confirm("Erase all of this? It cannot be taken back.", default=False):
            session.tell("Nothing was erased.")
            session.finish(shown, SOME_FAILED)
    done = _follow(session, path, subject | {"confirm": True})
    if done["state"] != "done":
        session.tell("Nothing was erased, for work is under way. Let it end or cancel it, and repeat this:")
        for each in done["underWay"]:
            session.tell(f"  {each}")
        session.finish(done, SOME_FAILED)
    session.say(f"Erased. The receipt, which names nobody: {done['id']}", style="green")
    for each in done["kept"]:
        session.say(f"Left of {each['what']}: {each['kept']}.")
    session.say("Not with Guestlist:")
    for each in done["elsewhere"]:
        session.say(f"  - {each}")
    session.finish(done)


def _subject(address: str | None, user: str | None) -> dict[str, Any]:
    if address is None and user is None:
        raise Misuse(
            "Whose data?", None, "Give the person's mail address, or the object id of the account with --user"
        )
    return {name: value for name, value in (("address", address), ("userId", user)) if value is not None}


def _follow(session: Session, path: str, body: dict[str, Any]) -> dict[str, Any]:
    case = session.api.post(path, body).body["id"]
    waits: list[str] = []

    def view() -> RenderableType:
        return f"Looking through everything … {waits[-1] if waits else ''}"

    try:
        with Watch(session) as watch:
            while True:
                found: dict[str, Any] = session.api.get(f"{path}/{case}").body
                if found["state"] != "running":
                    return found
                if (why := found["waitsFor"]) and why not in waits[-1:]:
                    waits.append(why)
                    session.tell(f"Waits: {why}")
                watch.show(view, [])
                watch.pause()
    except KeyboardInterrupt:
        session.tell(f"Nobody watches any more, but it goes on. Look at: GET {path}/{case}")
        session.finish({"id": case}, INTERRUPTED)


def _check(session: Session, found: dict[str, Any]) -> None:
    """Who it is about, and what a person has to look at."""
    if found["person"] is not None:
        names = [*found["person"]["addresses"], *found["person"]["userIds"]]
        session.tell(f"Taken as one person: {', '.join(names)}")
    for each in found["mentionedAt"]:
        session.tell(f"Named in somebody else's words, to be looked at by you: {each}")


def _table(session: Session, found: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table()
    for title in ("where", "what", "as", "how many"):
        table.add_column(title)
    for each in found["found"]:
        table.add_row(each["where"], each["what"], each["role"], str(each["count"]))
    if found["found"]:
        session.draw(table)


def _total(found: dict[str, Any]) -> int:
    return sum(each["count"] for each in found["found"])
