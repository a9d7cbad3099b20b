"""``guestlist doctor``: what is missing, from this machine to the tenant, each with how to fix it."""

from __future__ import annotations

from typing import Any

from cli.failures import DONE, SOME_FAILED, Failure, Misuse
from cli.following import STYLES, mark_of
from cli.options import command
from cli.session import Session
from cli.sign_in import claims_of

type Check = dict[str, Any]


def check(
    name: str, state: str, title: str, detail: str, remedy: str | None = None, command: str | None = None
) -> Check:
    """In the shape of ``GET /api/doctor``."""
    return {
        "check": name,
        "state": state,
        "title": title,
        "detail": detail,
        "remedy": remedy,
        "link": None,
        "command": command,
    }


@command
def doctor(session: Session) -> None:
    """Say what is missing: the way to the API, the sign-in, the tenant, the permissions, the settings."""
    checks: list[Check] = []
    for diagnose in (_reachable, _signed_in, _role, _app):
        try:
            checks += diagnose(session)
        except Failure as failure:
            if isinstance(failure, Misuse):
                raise
            checks.append(_failed(_TITLES[diagnose.__name__], failure))
            break
    missing = any(each["state"] == "missing" for each in checks)
    _print(session, checks)
    session.finish({"checks": checks}, SOME_FAILED if missing else DONE)


_TITLES = {
    "_reachable": ("api", "The API can be reached"),
    "_signed_in": ("sign-in", "You can sign in"),
    "_role": ("role", "You have an app role that opens this"),
    "_app": ("tenant", "The tenant can be examined"),
}


_OPEN = frozenset({"Admin", "SetupAdmin", "Operator"})
"""App roles that let somebody examine the tenant and change something."""


def _failed(of: tuple[str, str], failure: Failure) -> Check:
    said = failure.document
    detail = ": ".join(str(part) for part in (said.get("title"), said.get("detail")) if part)
    return check(of[0], "missing", of[1], detail, said.get("remedy"))


def _reachable(session: Session) -> list[Check]:
    place = session.sign_in.place
    return [check("api", "ok", _TITLES["_reachable"][1], f"{session.base_url}, people sign in at {place.authority}")]


def _signed_in(session: Session) -> list[Check]:
    claims = claims_of(session.sign_in.token())
    who = claims.get("preferred_username") or claims.get("name") or claims.get("azp") or "somebody"
    return [check("sign-in", "ok", _TITLES["_signed_in"][1], f"as {who} ({session.sign_in.way})")]


def _role(session: Session) -> list[Check]:
    name, title = _TITLES["_role"]
    claims = claims_of(session.sign_in.token())
    roles = claims.get("roles") or []
    found = f"The token's roles: {', '.join(roles) or 'none'}"
    remedy = (
        "An administrator assigns you an app role of the enterprise application 'Guestlist API' (Operator for this, "
        "SetupAdmin to set apps up, Admin for guests and audits); then sign in again"
    )
    if not claims:
        return [check(name, "unknown", title, "The token cannot be read")]
    if _OPEN.intersection(roles):
        return [check(name, "ok", title, found)]
    if "Auditor" in roles:
        return [check(name, "attention", title, f"{found}: you may look, and change nothing", remedy)]
    return [check(name, "missing", title, found, remedy)]


def _app(session: Session) -> list[Check]:
    found: list[Check] = session.api.get("/api/doctor").body["checks"]
    return found


def _print(session: Session, checks: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    table.add_column("", width=1)
    table.add_column("what", overflow="fold")
    table.add_column("found", overflow="fold")
    for each in checks:
        style = STYLES.get(each["state"], "")
        table.add_row(Text(mark_of(each["state"]), style=style), Text(each["title"]), Text(each["detail"] or ""))
    session.draw(table)
    for each in checks:
        if each["state"] == "ok" or not (each.get("remedy") or each.get("link") or each.get("command")):
            continue
        session.say()
        session.say(each["title"], style="bold")
        for line in (each.get("remedy"), each.get("link"), each.get("command")):
            if line:
                session.say(f"  {line}", style="cyan" if line != each.get("remedy") else "")
    worst = sum(each["state"] == "missing" for each in checks)
    session.say()
    session.say(f"{worst} missing." if worst else "Nothing is missing.", style="red" if worst else "green")
