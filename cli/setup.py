"""``guestlist setup``: starts a setup, follows it, and continues those that wait or failed."""

from __future__ import annotations

import uuid
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer

from cli import checklist as view
from cli.failures import DONE, INTERRUPTED, SOME_FAILED, WAITS_FOR_A_PERSON, Misuse, Problem
from cli.following import Watch
from cli.options import command
from cli.session import Session

_CODES = {"done": DONE, "running": DONE, "failed": SOME_FAILED, "waiting-for-person": WAITS_FOR_A_PERSON}


class Requests(StrEnum):
    """How people get in who ask to."""

    CLOSED = "closed"
    APPROVAL = "approval"
    OPEN = "open"


class SelfService(StrEnum):
    """The way in that Microsoft offers people."""

    PORTAL = "portal"
    ACCESS_PACKAGE = "access-package"


group = typer.Typer(no_args_is_help=True, help="Make an app self-service.", rich_markup_mode=None)

SetupId = Annotated[str, typer.Argument(metavar="SETUP", help="The setup's id.")]
Confirm = Annotated[bool, typer.Option("--confirm-manual", help="Confirm every manual task without asking.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not follow it to its end.")]
AppIdOption = Annotated[str | None, typer.Option("--app-id", help="The app, by its application id.")]
Role = Annotated[str | None, typer.Option("--app-role", help="The app's role for guests: name, value or id.")]


@group.command("create")
@command
def create(
    session: Session,
    owner: Annotated[list[str], typer.Option(help="Who answers for the app: address or object id. Repeatable.")],
    app_id: AppIdOption = None,
    app_name: Annotated[str | None, typer.Option(help="The app's name; with --template the new app's.")] = None,
    template: Annotated[str | None, typer.Option(help="Make the app from this gallery template: name or id.")] = None,
    group_id: Annotated[str | None, typer.Option(help="Use this group.")] = None,
    take_over: Annotated[bool, typer.Option("--take-over", help="Take that group over.")] = False,
    group_name: Annotated[str | None, typer.Option(help="Name of the group. ['APP guests']")] = None,
    group_description: Annotated[str | None, typer.Option(help="Description of the group.")] = None,
    app_role: Role = None,
    saml: Annotated[bool, typer.Option("--saml", help="Set single sign-on with SAML.")] = False,
    identifier: Annotated[list[str] | None, typer.Option(help="SAML: identifier. Repeatable.")] = None,
    reply_url: Annotated[list[str] | None, typer.Option(help="SAML: reply address. Repeatable.")] = None,
    sign_on_url: Annotated[str | None, typer.Option(help="SAML: sign-on address.")] = None,
    notify: Annotated[
        list[str] | None, typer.Option(help="SAML: who gets a mail before the certificate ends.")
    ] = None,
    requests: Annotated[Requests | None, typer.Option(help="How people get in who ask. [approval]")] = None,
    approver: Annotated[list[str] | None, typer.Option(help="Who approves. Repeatable. [the owners]")] = None,
    allow_domain: Annotated[list[str] | None, typer.Option(help="Guests of these domains only.")] = None,
    block_domain: Annotated[list[str] | None, typer.Option(help="No guests of these domains.")] = None,
    with_: Annotated[SelfService | None, typer.Option("--with", help="The way in. [portal]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")] = False,
    confirm_manual: Confirm = False,
    no_wait: NoWait = False,
) -> None:
    """Start a setup and follow it. On an app that is set up it changes nothing and verifies everything."""
    policy = {"requests": requests, "approvers": approver, "allowedDomains": allow_domain}
    body = {
        "app": _app(app_id, app_name, template),
        "owners": owner,
        "group": _group(group_id, group_name, group_description, take_over=take_over),
        "appRole": app_role,
        "singleSignOn": _saml(saml, identifier or [], reply_url or [], sign_on_url, notify or []),
        "policy": _given(policy | {"blockedDomains": block_domain}),
        "selfService": with_,
    }
    body = _given(body)
    if dry_run:
        said = session.api.post("/api/setups", body, key=str(uuid.uuid4()), params={"dryRun": "true"}).body
        view.print_dry_run(session, said)
        session.finish(said, SOME_FAILED if any(step.get("reason") for step in said["steps"]) else DONE)
    found = session.api.post("/api/setups", body, key=str(uuid.uuid4())).body
    _go_on(session, found, confirm_manual=confirm_manual, no_wait=no_wait)


@group.command("show")
@command
def show(
    session: Session,
    setup: SetupId,
    follow: Annotated[bool, typer.Option("--follow", help="Follow it to its end.")] = False,
    confirm_manual: Confirm = False,
) -> None:
    """Show a setup's checklist. The exit code tells its state."""
    found = session.api.get(_path(setup)).body
    if follow or confirm_manual:
        _follow(session, found, confirm_manual=confirm_manual)
    for step in view.open_tasks(found):
        view.print_task(session, step)
    _end(session, found)


@group.command("confirm")
@command
def confirm(
    session: Session,
    setup: SetupId,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step that was done by hand.")],
    note: Annotated[str | None, typer.Option(help="Kept with the confirmation.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Then follow the setup to its end.")] = False,
) -> None:
    """Confirm that a manual task is done. Your name and the time are kept."""
    found = _confirm(session, setup, step, note)
    if wait:
        _follow(session, found, confirm_manual=False)
    session.say(f"Confirmed: {step}", style="green")
    session.draw(view.table(found))
    session.finish(found)


@group.command("retry")
@command
def retry(
    session: Session,
    setup: SetupId,
    app_role: Role = None,
    app_id: AppIdOption = None,
    confirm_manual: Confirm = False,
    no_wait: NoWait = False,
) -> None:
    """Try failed steps again. --app-role and --app-id answer what a step asked."""
    found = session.api.post(f"{_path(setup)}/retry", _given({"appRole": app_role, "appId": app_id}) or None).body
    _go_on(session, found, confirm_manual=confirm_manual, no_wait=no_wait)


def _go_on(session: Session, found: view.Checklist, *, confirm_manual: bool, no_wait: bool) -> None:
    if not no_wait:
        _follow(session, found, confirm_manual=confirm_manual)
    session.say(f"Under way: setup {found['id']}. Follow it with: guestlist setup show {found['id']} --follow")
    session.finish(found)


def _follow(session: Session, found: view.Checklist, *, confirm_manual: bool) -> None:
    """Until it is done, failed, or waits for a person who is not here. Does not come back."""
    before: view.Checklist | None = None
    left: set[str] = set()
    try:
        with Watch(session) as watch:
            session.tell(f"Setup {found['id']}")
            while True:
                watch.show(partial(view.table, found, whole=False), view.changes(before, found))
                before, tasks = found, [s for s in view.open_tasks(found) if s["step"] not in left]
                if tasks and (confirm_manual or session.may_ask):
                    watch.hide()
                    found = _confirm_task(session, found, tasks[0], left, ask=not confirm_manual)
                elif found["state"] == "running":
                    watch.pause()
                    found = session.api.get(_path(found["id"])).body
                else:
                    break
    except (KeyboardInterrupt, typer.Abort):
        session.tell("Nobody watches any more, but the setup goes on.")
        session.tell(f"Come back with: guestlist setup show {found['id']} --follow")
        session.finish(found, INTERRUPTED)
    if not session.may_ask:
        for step in view.open_tasks(found):
            view.print_task(session, step)
    _end(session, found)


def _confirm_task(
    session: Session, found: view.Checklist, step: dict[str, Any], left: set[str], *, ask: bool
) -> view.Checklist:
    """One manual task: shown, and confirmed if it is done. Where somebody else was quicker, that is as good."""
    view.print_task(session, step)
    note = None
    if ask:
        if not typer.confirm("Done?", default=False):
            left.add(step["step"])
            return found
        note = typer.prompt("Note (optional)", default="", show_default=False).strip() or None
    try:
        answer = _confirm(session, found["id"], step["step"], note)
    except Problem as problem:
        if problem.reason != "step-not-manual":
            raise
        answer = session.api.get(_path(found["id"])).body
    else:
        session.say(f"Confirmed: {step['step']}", style="green")
    return answer


def _confirm(session: Session, setup: str, step: str, note: str | None) -> view.Checklist:
    found = session.api.post(f"{_path(setup)}/steps/{_segment(step)}/confirm", {"note": note} if note else None).body
    assert isinstance(found, dict)  # noqa: S101 - for the type checker
    return found


def _end(session: Session, found: view.Checklist) -> None:
    view.print_end(session, found)
    session.finish(found, _CODES.get(found["state"], DONE))


def _path(setup: str) -> str:
    return f"/api/setups/{_segment(setup)}"


def _segment(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what was not said: the API has the defaults."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _app(app_id: str | None, name: str | None, template: str | None) -> dict[str, Any]:
    if (app_id is None) == (name is None and template is None):
        raise Misuse("Name one app", "--app-id, --app-name, or --template with --app-name", reason="usage")
    return _given({"appId": app_id, "name": name, "template": template})


def _group(group_id: str | None, name: str | None, description: str | None, *, take_over: bool) -> dict[str, Any]:
    if group_id is not None and (name is not None or description is not None):
        detail = "--group-id names a group that is there already; it keeps its name and description"
        raise Misuse("Name one group", detail, reason="usage")
    if take_over and group_id is None:
        raise Misuse("Name the group", "--take-over goes with --group-id", reason="usage")
    return _given({"id": group_id, "name": name, "description": description, "takeOver": take_over or None})


def _saml(
    wanted: bool, identifiers: list[str], reply_urls: list[str], sign_on_url: str | None, notify: list[str]
) -> dict[str, Any]:
    if not wanted:
        if identifiers or reply_urls or sign_on_url or notify:
            detail = "--identifier, --reply-url, --sign-on-url and --notify go with it"
            raise Misuse("Say --saml", detail, reason="usage")
        return {}
    if not identifiers or not reply_urls:
        raise Misuse("SAML needs more", "--identifier and --reply-url, at least one each", reason="usage")
    return {
        "mode": "saml",
        "identifiers": identifiers,
        "replyUrls": reply_urls,
        "signOnUrl": sign_on_url,
        "notificationEmails": notify,
    }
