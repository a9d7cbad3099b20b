"""``guestlist stop`` and ``guestlist start``: everything that sends or changes, in the whole tenant."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import command
from cli.session import Session


@command
def stop(
    session: Session,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; everybody who is signed in may read it.")
    ] = None,
) -> None:
    """Park everything that sends or changes. Nothing is lost: it goes on where it stood after guestlist start."""
    found = session.api.post("/api/stop", {"reason": reason} if reason else None).body
    session.say(f"Stopped since {found['since']}{': ' + found['reason'] if found['reason'] else ''}.")
    session.say("Go on with: guestlist start")
    session.finish(found)


@command
def start(session: Session) -> None:
    """Go on with everything that guestlist stop parked."""
    found = session.api.delete("/api/stop").body
    session.say("Started. What was parked goes on where it stood.")
    session.finish(found)
