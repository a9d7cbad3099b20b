"""``guestlist app``: the apps that are set up, and removing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from cli.failures import DONE, INTERRUPTED, SOME_FAILED, WAITS_FOR_A_PERSON, Failure, Misuse, Problem
from cli.following import Watch, is_guid, named
from cli.options import command
from cli.session import Session

if TYPE_CHECKING:
    from rich.console import RenderableType


group = typer.Typer(no_args_is_help=True, help="The apps that are set up.", rich_markup_mode=None)
AppId = Annotated[str, typer.Argument(metavar="APPID", help="The app's application id.")]


@group.command("list")
@command
def list_(session: Session) -> None:
    """List the apps that are set up: all for administrators, for others those whose group they own."""
    found = session.api.get("/api/apps").body
    if not found["value"]:
        session.say("No app is set up. Begin with: guestlist setup create --app-name NAME --owner ADDRESS")
        session.finish(found)
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for title in ("app", "id", "group", "owners", "requests"):
        table.add_column(title, overflow="fold")
    for app in found["value"]:
        removing = " (being removed)" if app["state"] == "removing" else ""
        table.add_row(
            Text(f"{app['name']}{removing}"),
            Text(app["appId"]),
            Text(app["groupName"]),
            Text(", ".join(named(each) for each in app["owners"])),
            Text(app["policy"]["requests"]),
        )
    session.draw(table)
    session.finish(found)


@group.command("show")
@command
def show(session: Session, app: AppId) -> None:
    """Show one app: group, owners, policy, direct link."""
    found = session.api.get(_path(app)).body
    policy = found["policy"]
    for name, value in {
        "app": found["name"],
        "application id": found["appId"],
        "service principal": found["servicePrincipalId"],
        "group": f"{found['groupName']} ({found['groupId']})",
        "owners": ", ".join(named(each) for each in found["owners"]),
        "requests": policy["requests"],
        "approvers": ", ".join(named(each) for each in policy.get("approvers") or []) or "the owners",
        "allowed domains": ", ".join(policy.get("allowedDomains") or []) or "all",
        "blocked domains": ", ".join(policy.get("blockedDomains") or []) or "none",
        "inviting apps": ", ".join(found.get("inviters") or []) or "none",
        "direct link": found["directLink"],
        "setup": found["setupId"],
        "state": found["state"],
        "updated": found["updatedAt"],
    }.items():
        session.say(f"{name:18} {value}")
    session.finish(found)


@group.command("inviters")
@command
def inviters(
    session: Session,
    app: AppId,
    apps: Annotated[list[str] | None, typer.Argument(metavar="OBJECTID", help="Enterprise applications.")] = None,
    none: Annotated[bool, typer.Option("--none", help="No app may invite any more.")] = False,
) -> None:
    """Name the apps with the role Inviter that may invite into the app's group; they replace those named before."""
    if bool(apps) == none:
        raise Misuse("Name the apps", "Give the object ids of enterprise applications, or --none", reason="usage")
    found = session.api.put(f"{_path(app)}/inviters", {"value": apps or []}).body
    session.say(f"May invite: {', '.join(found['value']) or 'no app'}")
    session.finish(found)


@group.command("remove")
@command
def remove(
    session: Session,
    app: AppId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until it is gone.")] = False,
) -> None:
    """Remove an app: only what Guestlist made for it, after showing it."""
    looked = session.api.delete(_path(app), params={"dryRun": "true"})
    plan = looked.body
    _print_plan(session, plan)
    if dry_run:
        session.finish(plan)
    if not yes:
        if not session.may_ask:
            session.tell("Nothing was removed: repeat it with --yes.")
            session.finish(plan, WAITS_FOR_A_PERSON)
        if not typer.confirm("Remove all of this?", default=False):
            session.tell("Nothing was removed.")
            session.finish(plan, SOME_FAILED)
    # The tag is the plan's: if anything has changed since it was shown, nothing is removed.
    session.api.delete(_path(app), headers={"If-Match": looked.headers.get("ETag", "")})
    code = _wait(session, app) if not no_wait else DONE
    gone = not no_wait and code == DONE
    session.say("Removed." if gone else "The removal goes on.", style="green" if gone else "")
    session.finish({"appId": app, "state": "removed" if gone else "removing"} | plan, code)


def _print_plan(session: Session, plan: dict[str, Any]) -> None:
    session.say("Would be removed:" if plan["wouldRemove"] else "Nothing would be removed.", style="bold")
    for each in plan["wouldRemove"]:
        session.say(f"  ✗ {each['what']} ({each['kind']} {each['id']})")
    if plan["wouldKeep"]:
        session.say("Would be kept:", style="bold")
    for line in plan["wouldKeep"]:
        session.say(f"  ✓ {line}")


def _wait(session: Session, app: str) -> int:
    """Until the app is not there any more; its exit code."""

    def view() -> RenderableType:
        return "Removing …"

    try:
        with Watch(session) as watch:
            while True:
                watch.show(view, [])
                watch.pause()
                session.api.get(_path(app))
    except Problem as problem:
        if problem.status != 404:
            raise
        return DONE
    except KeyboardInterrupt:
        session.tell(f"Nobody watches any more, but the removal goes on. Look with: guestlist app show {app}")
        return INTERRUPTED


def find(session: Session, wanted: str) -> dict[str, Any]:
    """The app with that application id, or with that name where only one has it.

    Raises:
        Failure: `app-missing` or `app-ambiguous`.
    """
    if is_guid(wanted):
        found: dict[str, Any] = session.api.get(_path(wanted)).body
        return found
    apps = session.api.get("/api/apps").body["value"]
    fitting: list[dict[str, Any]] = [app for app in apps if app["name"].casefold() == wanted.strip().casefold()]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        ids = ", ".join(app["appId"] for app in fitting)
        raise Failure(f"Several apps are called '{wanted}'", ids, "Name it by its id", reason="app-ambiguous")
    names = ", ".join(app["name"] for app in apps) or "none"
    remedy = "See 'guestlist app list', or set it up with 'guestlist setup create'"
    raise Failure(f"No app called '{wanted}' is set up", f"There are: {names}", remedy, reason="app-missing")


def _path(app: str) -> str:
    return f"/api/apps/{quote(app, safe='')}"
