"""``python -m local run``: the whole product on this machine, doing its main job on the sample guests."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console, Group
from rich.text import Text

from build_tools.node import NodeError
from build_tools.paths import BUILD, ROOT
from local.azurite import is_installed
from local.board import Progress, mail_panel, make_console, outcome_table, setup_table, task_panel
from local.caller import Caller, CallFailed, sign_in
from local.child import StackError
from local.guests import SINGLE, BadTemplate, Outcome, mail_faults, mails_to, read_expected, read_guests
from local.stack import Stack
from local.telemetry import ToldSpan, read_spans, tree
from local.tenant import ADMIN, OWNER, SampleError

APP = "Contoso Expenses"
"""Nobody has set this app up in the sample tenant."""

LATENCY_MS = 120
REPLICATION_MS = 2000
"""Both as a tenant has them on a good day: the states can be seen, and the waits are real."""

_POLL_S = 0.25


class Late(Exception):
    """Some guests did not reach an end in time."""


class NotSetUp(Exception):
    """The app could not be set up; the message says which step failed, and why."""


_EXPECTED = (BadTemplate, CallFailed, Late, NodeError, NotSetUp, SampleError, StackError, aiohttp.ClientError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exit", action="store_true", help="end when the guests have reached their ends")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="save what is printed at the end as a picture")
    parser.add_argument("--traces", action="store_true", help="show the trace of one invitation at the end")
    parser.add_argument("--workers", type=int, default=1, help="processes of the app (default: 1)")
    parser.add_argument("--isolate", action="store_true", help="each queue and timer function in its own process")
    parser.add_argument("--timeout", type=float, default=180.0, help="seconds for all guests (default: 180)")


def main(given: argparse.Namespace) -> int:
    """Gives 0 only if every sample guest reached the end it is meant to."""
    console = make_console(record=given.svg is not None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    status = 1
    try:
        console.print("Starting storage (Azurite), the directory simulator and the app …")
        if not is_installed():
            console.print("Azurite is being installed first: this once, it takes half a minute or so.")
        started = time.monotonic()
        with Stack(
            workers=given.workers, max_poll_ms=500, telemetry=given.traces, isolate=given.isolate or None
        ) as stack:
            console.print(f"All started in {time.monotonic() - started:.1f} s. Logs: {_shown(stack.logs)}\n")
            settings = _keep_settings(stack)
            status = 0 if asyncio.run(_invite_all(stack, console, given.timeout)) else 1
            if given.traces:
                _show_trace(stack, console)
            if given.svg:
                given.svg.parent.mkdir(parents=True, exist_ok=True)
                console.save_svg(str(given.svg), title="python3 dev.py run")
            if not given.exit:
                _explain(stack, console, settings)
                try:
                    stack.stay()
                except KeyboardInterrupt:
                    print("\nStopping …", flush=True)
    except* KeyboardInterrupt:
        status = 130
    except* _EXPECTED as errors:
        for error in _single(errors):
            print(error, file=sys.stderr)
    return status


def _show_trace(stack: Stack, console: Console) -> None:
    """The longest trace of one guest invited by hand; spans come in a moment after the work."""
    assert stack.told is not None  # noqa: S101 - for the type checker: this stack keeps what it is told
    time.sleep(2)
    traces: dict[str, list[ToldSpan]] = {}
    for span in read_spans(stack.told):
        traces.setdefault(span.trace, []).append(span)
    by_hand = [spans for spans in traces.values() if any(s.name == "post_invitation" for s in spans)]
    if by_hand:
        console.print("\nOne invitation, from the request through the queues to Microsoft Graph:")
        console.print(tree(max(by_hand, key=len)))


def _single(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _single(error)
        else:
            yield error


async def _invite_all(stack: Stack, console: Console, timeout_s: float) -> bool:
    tenant = stack.tenant
    owner, admin = tenant.person(OWNER), tenant.person(ADMIN)
    expected = read_expected()
    outcomes = [Outcome(guest, expected[guest.address]) for guest in [*read_guests(), SINGLE]]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        await _slow_down(session, stack.simulator_url)
        issuer, client, audience = stack.simulator_url, tenant.cli_client_id, tenant.api_client_id
        admins = await sign_in(session, issuer, tenant.id, client=client, audience=audience, person=admin)
        console.print(f"{admin['displayName']} sets '{APP}' up, so that {owner['displayName']} can invite guests.")
        group = await _set_up(Caller(session, stack.host_url, admins), console, timeout_s)
        token = await sign_in(session, issuer, tenant.id, client=client, audience=audience, person=owner)
        caller = Caller(session, stack.host_url, token)
        console.print(f"\n{owner['displayName']}, owner of '{APP} guests', invites {len(outcomes)} guests.")
        try:
            with Progress(make_console(), outcomes) as progress:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_post(caller, group, outcomes, progress))
                    both.create_task(_follow(caller, group, outcomes, progress, stack, timeout_s))
        finally:
            console.print(outcome_table(outcomes))
        async with session.get(f"{stack.simulator_url}/_sim/mails") as answer:
            mails: list[dict[str, Any]] = await answer.json()
    return _show_mails(console, outcomes, mails) and all(outcome.is_as_meant for outcome in outcomes)


async def _set_up(caller: Caller, console: Console, timeout_s: float) -> str:
    """Set the app up as an administrator would, doing a person's part as well; gives the id of the group whose
    members get into it. Raises NotSetUp: a step failed, or it took too long."""
    body = {"app": {"name": APP}, "owners": [OWNER], "group": {"name": f"{APP} guests"}}
    location = f"/api/setups/{(await caller.call('POST', '/api/setups', 202, body))['id']}"
    checklist = await _at_rest(caller, location, timeout_s)
    while checklist["state"] == "waiting-for-person":
        for step in [s for s in checklist["steps"] if s["state"] == "manual"]:
            console.print(task_panel(step["manualTask"]))
            path = f"{location}/steps/{step['step']}/confirm"
            await caller.call("POST", path, 200, {"note": "in the simulator"})
        checklist = await _at_rest(caller, location, timeout_s)
    console.print(setup_table(checklist))
    if checklist["state"] != "done":
        failed = [s for s in checklist["steps"] if s["state"] == "failed"]
        raise NotSetUp("\n".join(f"{s['title']}: {s['detail']} → {s['remedy']}" for s in failed))
    return str(checklist["found"]["group"]["id"])


async def _at_rest(caller: Caller, location: str, timeout_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_s
    while (found := await caller.call("GET", location, 200))["state"] == "running":
        if time.monotonic() > deadline:
            raise NotSetUp(f"The setup still runs after {timeout_s:g} s.")
        await asyncio.sleep(_POLL_S)
    return found


async def _slow_down(session: aiohttp.ClientSession, simulator: str) -> None:
    """Make the simulator as slow as the cloud."""
    window = {"ms": REPLICATION_MS}
    names = ("usersGet", "usersList", "advancedList", "usersPatch", "membersAdd", "membersRead")
    change = {"latency": {"allMs": LATENCY_MS}, "replication": dict.fromkeys(names, window)}
    async with session.patch(f"{simulator}/_sim/settings", json=change) as answer:
        if answer.status >= 400:
            raise CallFailed(f"Settings of the simulator: {answer.status} {await answer.text()}")


async def _post(caller: Caller, group: str, outcomes: list[Outcome], progress: Progress) -> None:
    run = uuid.uuid4().hex
    for number, outcome in enumerate(outcomes):
        outcome.invitation, outcome.problem = await caller.invite(group, outcome.guest, f"{run}-{number}")
        if outcome.invitation:
            outcome.states.append("accepted")
        progress.show([outcome])


async def _follow(
    caller: Caller, group: str, outcomes: list[Outcome], progress: Progress, stack: Stack, timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    while not all(outcome.is_final for outcome in outcomes):
        if time.monotonic() > deadline:
            late = ", ".join(f"{o.guest.address} ({o.end})" for o in outcomes if not o.is_final)
            raise Late(
                f"Not at their end after {timeout_s:g} s: {late}. The logs in {_shown(stack.logs)} may tell why."
            )
        stack.check()
        said = await caller.invitations(group)
        progress.show([o for o in outcomes if o.invitation in said and o.note(said[o.invitation])])
        await asyncio.sleep(_POLL_S)


def _show_mails(console: Console, outcomes: list[Outcome], mails: list[dict[str, Any]]) -> bool:
    """Shows the single guest's mail, and says what is wrong with anybody's; true if nothing is."""
    for mail in mails_to(mails, SINGLE.address, "message"):
        console.print(mail_panel(mail))
    invitations = sum(mail["kind"] == "invitation" for mail in mails)
    console.print(f"Mails sent: {invitations} invitations by Microsoft, {len(mails) - invitations} by Guestlist.")
    faults = [fault for outcome in outcomes for fault in mail_faults(outcome, mails)]
    for fault in faults:
        console.print(Text(f"✗ {fault}", style="bold red"))
    return not faults


def _keep_settings(stack: Stack) -> Path:
    """The app's settings where people find them, for Core Tools."""
    folder = BUILD / "stack"
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(stack.settings_file, folder / "local.settings.json"))


def _shown(path: Path) -> Path:
    """As people write it who are in the folder of the project."""
    return path.relative_to(ROOT)


def _explain(stack: Stack, console: Console, settings: Path) -> None:
    tenant = stack.tenant
    owner = tenant.person(OWNER)
    group = tenant.group_of(owner)
    lines = [
        "",
        f"The portal    {stack.host_url}/portal/",
        f"The API       {stack.host_url}/api, described at {stack.host_url}/api/docs",
        f"The directory {stack.simulator_url}/v1.0, its mails {stack.simulator_url}/_sim/mails",
        f"App settings  {_shown(settings)}",
        "",
        "People who can sign in (name, password):",
        *(f"  {person['userPrincipalName']}  {person['password']}" for person in tenant.people),
        "",
        "Invite somebody yourself:",
        f"  TOKEN=$(curl -s {stack.simulator_url}/{tenant.id}/oauth2/v2.0/token \\",
        f"    -d grant_type=password -d client_id={tenant.cli_client_id} \\",
        f"    -d username={owner['userPrincipalName']} --data-urlencode 'password={owner['password']}' \\",
        f"    -d scope=api://{tenant.api_client_id}/access_as_user \\",
        '    | sed \'s/.*"access_token": *"\\([^"]*\\).*/\\1/\')',
        f'  curl -i {stack.host_url}/api/groups/{group["id"]}/invitations -H "Authorization: Bearer $TOKEN" \\',
        '    -H "Content-Type: application/json" -d \'{"address": "you@fabrikam.com", "welcomeMessage": "Hello!"}\'',
        f'  curl {stack.host_url}/api/groups/{group["id"]}/invitations -H "Authorization: Bearer $TOKEN"',
        "",
        "Ctrl-C ends everything.",
    ]
    console.print(Group(*(Text(line) for line in lines)), soft_wrap=True)
