"""``guestlist invitation``: asks for guests and follows each to its end; lists them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from cli.apps import find
from cli.failures import DONE, INTERRUPTED, SOME_FAILED, Misuse, Problem, Unreachable
from cli.following import STYLES, Watch
from cli.options import command
from cli.session import Session

if TYPE_CHECKING:
    from rich.table import Table

group = typer.Typer(no_args_is_help=True, help="Invite guests, and see what became of them.", rich_markup_mode=None)
GroupOption = Annotated[str | None, typer.Option("--group", help="Of this group, by its object id.")]
AppOption = Annotated[str | None, typer.Option("--app", help="Of this app: application id or name.")]


@dataclass
class Guest:
    """One address: what the API says of its invitation, or the problem where it was refused."""

    address: str
    said: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None

    @property
    def state(self) -> str:
        return "refused" if self.problem is not None else str((self.said or {}).get("state", "…"))

    @property
    def is_final(self) -> bool:
        return self.problem is not None or bool((self.said or {}).get("isFinal"))

    @property
    def has_failed(self) -> bool:
        """Also a member whose mail could not be sent."""
        return self.problem is not None or (self.is_final and bool(self._source.get("reason")))

    @property
    def _source(self) -> dict[str, Any]:
        return self.problem or self.said or {}

    @property
    def explanation(self) -> str:
        """Why it failed and what to do; where it went well, the link to the app."""
        source = self._source
        if self.problem is not None or source.get("reason"):
            remedy = f"\n→ {source['remedy']}" if source.get("remedy") else ""
            return f"{source.get('detail') or source.get('title') or source.get('reason')}{remedy}"
        if self.is_final:
            return str(source.get("directLink") or "")
        return str(source.get("meaning") or "")

    def document(self) -> dict[str, Any]:
        return {"address": self.address, "state": self.state, "invitation": self.said, "problem": self.problem}


@group.command("create")
@command
def create(
    session: Session,
    address: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Who to invite.")],
    group: GroupOption = None,
    app: AppOption = None,
    message: Annotated[str | None, typer.Option(help="A welcome message, sent in Guestlist's own mail.")] = None,
    name: Annotated[str | None, typer.Option(help="The guest's name, where there is one address.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the mail, such as de.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not follow the invitations.")] = False,
) -> None:
    """Invite guests to an app and follow each to its end."""
    if name is not None and len(address) > 1:
        raise Misuse("A name is one guest's", "--name goes with one address", reason="usage")
    into = group_of(session, group, app)
    about = {"displayName": name, "welcomeMessage": message, "language": language}
    more = {field: value for field, value in about.items() if value is not None}
    guests = [Guest(each) for each in dict.fromkeys(address)]
    try:
        with Watch(session) as watch:
            _ask(session, into, guests, more, watch)
            while not no_wait and not all(guest.is_final for guest in guests):
                watch.pause()
                watch.show(lambda: _table(guests), _look(session, guests))
    except KeyboardInterrupt:
        session.tell("Nobody watches any more, but invitations that were taken go on.")
        session.tell(f"Come back with: guestlist invitation list --group {into}")
        session.finish(_document(guests), INTERRUPTED)
    session.draw(_table(guests))
    session.finish(_document(guests), SOME_FAILED if any(guest.has_failed for guest in guests) else DONE)


@group.command("list")
@command
def list_(
    session: Session,
    group: GroupOption = None,
    app: AppOption = None,
    state: Annotated[str | None, typer.Option(help="In this state only, such as failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 50,
) -> None:
    """List invitations, the newest first."""
    into = group_of(session, group, app)
    params = {"limit": str(limit)} | ({"state": state} if state else {})
    found = session.api.get(f"/api/groups/{quote(into, safe='')}/invitations", **params).body
    session.draw(_table([Guest(each["address"], each) for each in found["value"]]))
    if found.get("nextLink"):
        session.tell("There are more: see --limit.")
    session.finish(found)


def group_of(session: Session, group: str | None, app: str | None) -> str:
    if (group is None) == (app is None):
        raise Misuse("Say which guests", "--group or --app is needed, and one of them only", reason="usage")
    return group if group is not None else str(find(session, app or "")["groupId"])


def _ask(session: Session, into: str, guests: list[Guest], more: dict[str, Any], watch: Watch) -> None:
    """One request for each guest. A refusal is that guest's; where nobody answers, the rest is not tried."""
    path = f"/api/groups/{quote(into, safe='')}/invitations"
    silent: Unreachable | None = None
    for guest in guests:
        if silent is not None:
            guest.problem = silent.document | {"detail": "Not asked for: the API had stopped answering"}
            continue
        try:
            guest.said = session.api.post(path, {"address": guest.address} | more, key=str(uuid.uuid4())).body
        except Problem as problem:
            if problem.status == 401:
                raise
            guest.problem = problem.document
        except Unreachable as failure:
            silent, guest.problem = failure, failure.document
        watch.show(lambda: _table(guests), [_line(guest)])
    if silent is not None and all(guest.problem for guest in guests):
        raise silent


def _look(session: Session, guests: list[Guest]) -> list[str]:
    """Look again at those who are on their way; a line for each whose state is new."""
    lines = []
    for guest in guests:
        if guest.is_final or guest.said is None:
            continue
        before = guest.state
        guest.said = session.api.get(f"/api/invitations/{quote(guest.said['id'], safe='')}").body
        if guest.state != before or guest.is_final:
            lines.append(_line(guest))
    return lines


def _line(guest: Guest) -> str:
    why = " ".join(guest.explanation.split()) if guest.has_failed else ""
    return f"{guest.address}: {guest.state}" + (f" ({why})" if why else "")


def _document(guests: list[Guest]) -> dict[str, Any]:
    return {"value": [guest.document() for guest in guests]}


def _table(guests: list[Guest]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{sum(guest.is_final for guest in guests)} of {len(guests)} guests at their end")
    table.add_column("guest", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("", overflow="fold")
    for guest in guests:
        style = "red" if guest.has_failed else STYLES.get(guest.state, "cyan")
        table.add_row(Text(guest.address), Text(guest.state, style=style), Text(guest.explanation))
    return table
