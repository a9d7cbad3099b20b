"""Files of guests through the running product: every kind of row, the preview, people's part, weather, undo."""

import csv
import io
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.core.reasons import Reason
from tests.integration.conftest import ADMIN, AUDITOR, OTHER, OWNER, STRANGER, Tenant, eventually
from tests.integration.test_invitations import problem
from tests.integration.test_setups import at_rest, body, start

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CSV = {"Content-Type": "text/csv"}


class Imports:
    """The imports of one group, in the hands of one of its owners."""

    def __init__(self, tenant: Tenant, group: str | None = None, caller: httpx.Client | None = None) -> None:
        self.tenant = tenant
        self.path = f"/api/groups/{group or tenant.group}/imports"
        self.caller = caller or tenant.caller()

    def ask(self, content: str | bytes, query: str = "", **headers: str) -> httpx.Response:
        data = content.encode() if isinstance(content, str) else content
        return self.caller.post(f"{self.path}{query}", content=data, headers=CSV | headers)

    def begin(self, content: str | bytes, query: str = "") -> str:
        answer = self.ask(content, query)
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"{self.path}/{answer.json()['id']}"
        return str(answer.headers["location"])

    def see(self, location: str) -> dict[str, Any]:
        answer = self.caller.get(location)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def in_state(self, location: str, *states: str, within_s: float = 90) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            found = self.see(location)
            return found if found["state"] in states else None

        found = eventually(there, within_s=within_s)
        assert found is not None
        return found

    def run(self, content: str | bytes, query: str = "") -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The import at its end, and its results."""
        location = self.begin(content, query)
        return self.in_state(location, "done"), self.results(location)

    def results(self, location: str) -> list[dict[str, str]]:
        answer = self.caller.get(f"{location}/results")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.content.startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by its mark"
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.fixture
def imports(tenant: Tenant) -> Imports:
    return Imports(tenant)


def some(prefix: str = "g") -> str:
    return f"{prefix}{uuid.uuid4().hex[:10]}"


def address(domain: str = "fabrikam.com") -> str:
    return f"{some()}@{domain}"


def counted(found: dict[str, Any]) -> dict[str, int]:
    return {state: n for state, n in found["counts"].items() if n}


def test_every_kind_of_row_has_its_outcome(tenant: Tenant, imports: Imports) -> None:
    member, twin, late_twin = address(), address(), address()
    tenant.end_of(tenant.invite(member))
    good = [address() for _ in range(25)]
    rows = [
        *(f"{a},Guest,,,,," for a in good),  # lines 2 to 26: more than a chunk
        f"{twin},,,,,,",
        f"{twin.upper()},,,,,,",
        f"{good[0]},,,,,,",
        f"{member},,,,,,",
        "gus@adatum.com,,,,,,",
        "no address,,,,,,",
        "plus+address@fabrikam.com,,,,,,",
        "colleague@contoso.com,,,,,,",
        "someone@blocked.example,,,,,,",
        f"{address()},,,xx-not-a-language-at-all-,,,",
        f"{address()},,,,31.02.2026,,",
        f"{address()},,,,01/02/2026,,",
        f"{address()},a,b,de,2026-12-31,,,one cell too many",
        ",a row without an address,,,,,",
        f"{address()},,,,,{uuid.uuid4()},",
        f'{late_twin},"Quoted, with\r\na line break",,,,,',
        f"{address()},=1+1,,,,,",
        ",,,,,,",
    ]
    content = "address,name,message,language,expires,group,what we call it\r\n" + "\r\n".join(rows) + "\r\n"

    found, results = imports.run(content)

    outcome = {(r["line"], r["reason"]) for r in results}
    by_reason: dict[str, list[str]] = {}
    for row in results:
        by_reason.setdefault(row["reason"], []).append(row["line"])
    assert {reason: len(lines) for reason, lines in by_reason.items()} == {
        "": 25 + 1 + 2 + 2,
        "duplicate-in-file": 2,
        "address-invalid": 1,
        "address-unsupported": 1,
        "own-domain": 1,
        "domain-blocked": 1,
        "row-invalid": 5,
        "not-admin": 1,
    }, outcome
    assert found["done"] == found["rows"] == len(results) == 42
    assert counted(found) == {"member": 30, "failed": 4, "invalid": 8}
    said = {r["address"]: r for r in results}
    assert said[member]["detail"] == "was a member already"
    assert said["gus@adatum.com"]["detail"] == "was in the directory already"
    assert said[good[1]]["directLink"].startswith("https://launcher.myapps.microsoft.com/")
    assert all(r["remedy"] for r in results if r["reason"])
    invalid = [r["detail"] for r in results if r["reason"] == "row-invalid"]
    assert any("31.02.2026" in detail and detail.startswith("expires") for detail in invalid)
    assert {*good, twin, late_twin} <= set(tenant.members())
    assert all(tenant.tickets(a) == 1 for a in (*good, twin, late_twin))
    assert found["reasons"]["row-invalid"] == 5


def test_microsofts_template_is_taken_as_it_is(tenant: Tenant, imports: Imports) -> None:
    found, results = imports.run((SAMPLES / "guests.csv").read_bytes())

    assert found["rows"] == len(results) == 12
    assert {r["reason"] for r in results if r["reason"]} == {
        "address-invalid",
        "address-unsupported",
        "domain-blocked",
        "own-domain",
    }
    assert {r["outcome"] for r in results} == {"member", "mailed", "failed"}
    assert found["counts"]["mailed"] == len(
        [m for m in tenant.simulator.get("/_sim/mails").json() if m["kind"] == "message"]
    )


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-16", "\t"), ("utf-8-sig", ";"), ("cp1252", ";"), ("utf-8", ",")]
)
def test_what_excel_saves_is_read(imports: Imports, encoding: str, delimiter: str) -> None:
    guest = address("bücher.example")
    ascii_guest = guest if encoding != "cp1252" else address()
    content = f"E-Mail{delimiter}Name\r\n{ascii_guest}{delimiter}Jürgen Müller\r\n\r\n\r\n".encode(encoding)

    found, [row] = imports.run(content)

    assert (row["address"], row["outcome"]) == (ascii_guest, "member")
    assert found["rows"] == 1


def test_a_form_is_taken_as_well(imports: Imports) -> None:
    guest = address()
    files = {"file": ("guests of today.csv", f"email\n{guest}\n", "text/csv")}
    answer = imports.caller.post(imports.path, files=files)

    assert answer.status_code == 202, answer.text
    assert answer.json()["fileName"] == "guests of today.csv"
    imports.in_state(answer.headers["location"], "done")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.FILE_EMPTY),
        (b"address,name\r\n", Reason.FILE_EMPTY),
        (b"name,colour\r\nAda,red\r\n", Reason.FILE_NO_ADDRESS_COLUMN),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(imports: Imports, content: bytes, reason: Reason) -> None:
    assert problem(imports.ask(content), reason)["field"] == "file"


def test_a_dry_run_counts_and_changes_nothing(tenant: Tenant, imports: Imports) -> None:
    member, new, twin = address(), address(), address()
    tenant.end_of(tenant.invite(member))
    mails = len(tenant.simulator.get("/_sim/mails").json())
    content = f"address\n{new}\n{twin}\n{twin}\n{member}\ngus@adatum.com\nnobody\n"

    answer = imports.ask(content, "?dryRun=true")

    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["rows"] == 6
    assert {k: n for k, n in said["counts"].items() if n} == {
        "new": 2,
        "inDirectory": 1,
        "member": 1,
        "duplicate": 1,
        "invalid": 1,
    }
    assert said["first"]["duplicate"] == [{"line": 4, "address": twin, "what": "line 3 has the same address"}]
    assert said["pace"]["said"].startswith("This import will take about")
    assert len(tenant.simulator.get("/_sim/mails").json()) == mails
    assert new not in tenant.members()


def test_the_same_key_is_the_same_import(imports: Imports) -> None:
    content, key = f"address\n{address()}\n", {"Idempotency-Key": uuid.uuid4().hex}

    first, second = imports.ask(content, **key), imports.ask(content, **key)

    assert first.json()["id"] == second.json()["id"]
    problem(imports.ask(content + f"{address()}\n", **key), Reason.IDEMPOTENCY_KEY_REUSED)
    imports.in_state(first.headers["location"], "done")


def test_a_message_goes_out_in_guestlists_own_mail(tenant: Tenant, imports: Imports) -> None:
    guest = address()

    _, [row] = imports.run(f'address,message\n{guest},"Welcome, dear guest"\n')

    assert row["outcome"] == "mailed"
    [mail] = tenant.mails(guest)
    assert "Welcome, dear guest" in mail["body"]


def test_results_run_nothing_in_a_spreadsheet(imports: Imports) -> None:
    _, [row] = imports.run("address\n=cmd|' /C calc'!A0\n")

    assert row["address"].startswith("'=")


def test_administrators_may_name_other_groups(tenant: Tenant) -> None:
    admin = Imports(tenant, caller=tenant.caller(ADMIN))
    other, dynamic = tenant.group_named("Guests without an app"), tenant.group_named("Everybody abroad")
    here, there, nowhere, unknown = (address() for _ in range(4))
    content = f"address,group\n{here},\n{there},{other}\n{nowhere},{dynamic}\n{unknown},{uuid.uuid4()}\n"

    found, results = admin.run(content)

    assert [r["outcome"] for r in results] == ["member", "member", "failed", "failed"]
    assert [r["reason"] for r in results] == ["", "", "group-dynamic", "group-missing"]
    assert here in tenant.members()
    assert there in tenant.members(other)
    assert found["counts"]["member"] == 2


def test_the_recorded_policy_holds_for_files_too(tenant: Tenant) -> None:
    app = {"id": str(uuid.uuid4()), "appId": str(uuid.uuid4()), "displayName": some("App ")}
    app |= {"preferredSingleSignOnMode": "saml"}
    tenant.simulator.post("/_sim/seed", json={"servicePrincipals": [app]}).raise_for_status()
    checklist = at_rest(tenant, start(tenant, body(app, policy={"allowedDomains": ["fabrikam.com"]})))
    imports = Imports(tenant, checklist["found"]["group"]["id"])

    _, results = imports.run(f"address\n{address()}\n{address('adatum.com')}\n")

    assert [(r["outcome"], r["reason"]) for r in results] == [("member", ""), ("failed", "domain-not-allowed")]


def test_a_pause_holds_and_a_resume_goes_on(tenant: Tenant, imports: Imports) -> None:
    # More chunks than run at once, each longer than a process believes what it read of the import's state.
    tenant.settings(latency={"allMs": 1000})
    guests = [address() for _ in range(600)]
    location = imports.begin("address\n" + "\n".join(guests))

    paused = imports.caller.post(f"{location}/pause")
    assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    still = eventually(lambda: _at_rest(imports, location))
    assert still is not None
    assert still["done"] < len(guests), "it was over before the pause: not much of an examination"
    tenant.settings(latency={"allMs": 0})
    assert imports.caller.post(f"{location}/resume").json()["state"] == "running"

    found = imports.in_state(location, "done")
    assert counted(found) == {"member": len(guests)}
    tickets = {guest["email"]: guest["tickets"] for guest in tenant.simulator.get("/_sim/invitations").json()}
    assert {tickets[guest] for guest in guests} == {1}


def _at_rest(imports: Imports, location: str) -> dict[str, Any] | None:
    """What is said when two looks, a good while apart, say the same."""
    before = imports.see(location)["counts"]
    time.sleep(2.5)
    found = imports.see(location)
    return found if found["counts"] == before and not found["counts"]["inviting"] else None


def test_a_cancelled_import_invites_nobody_more(tenant: Tenant, imports: Imports) -> None:
    tenant.settings(latency={"allMs": 300})
    guests = [address() for _ in range(300)]
    location = imports.begin("address\n" + "\n".join(guests))

    answer = imports.caller.post(f"{location}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")

    def over() -> dict[str, Any] | None:
        found = imports.see(location)
        open_ = sum(found["counts"][s] for s in ("accepted", "inviting", "joining", "invited", "parked"))
        return found if not open_ else None

    found = eventually(over)
    assert found is not None
    results = imports.results(location)
    assert len(results) == 300
    assert {(r["outcome"], r["reason"]) for r in results} <= {("member", ""), ("failed", "cancelled")}
    members = set(tenant.members())
    assert {r["address"] for r in results if r["outcome"] == "member"} == members & set(guests)
    problem(imports.caller.post(f"{location}/resume"), Reason.IMPORT_ENDED)


def test_a_throttled_import_waits_and_nobody_fails(tenant: Tenant, imports: Imports) -> None:
    tenant.settings(latency={"allMs": 200})
    guests = [address() for _ in range(60)]
    location = imports.begin("address\n" + "\n".join(guests))
    for method, path in (("POST", "^/invitations$"), ("GET", "^/users"), ("PATCH", "^/groups/")):
        tenant.fault(method=method, path=path, status=429, headers={"Retry-After": "1"}, times=8)

    found = imports.in_state(location, "done")

    assert counted(found) == {"member": 60}
    assert all(tenant.tickets(g) == 1 for g in guests)


def test_microsofts_block_parks_an_import_that_goes_on_by_itself(tenant: Tenant, imports: Imports) -> None:
    tenant.settings(policies={"suspiciousActivityBlock": True})
    guests = [address() for _ in range(40)]
    location = imports.begin("address\n" + "\n".join(guests))

    imports.in_state(location, "parked")
    tenant.settings(policies={"suspiciousActivityBlock": False})

    found = imports.in_state(location, "done")
    assert counted(found) == {"member": 40}
    assert all(tenant.tickets(g) == 1 and len(tenant.mails(g)) == 1 for g in guests)


def test_undo_takes_back_exactly_what_the_import_did(tenant: Tenant, imports: Imports) -> None:
    plain, came, before, elsewhere = (address() for _ in range(4))
    tenant.end_of(tenant.invite(before))
    other = tenant.group_named("Guests without an app")
    location = imports.begin(f"address\n{plain}\n{came}\n{before}\n{elsewhere}\ngus@adatum.com\n")
    problem_or_done = imports.in_state(location, "done")
    assert problem_or_done["counts"]["member"] == 5
    ids = {m["email"]: m["userId"] for m in tenant.simulator.get("/_sim/invitations").json()}
    tenant.simulator.post("/_sim/redeem", json={"userId": ids[came]}).raise_for_status()
    tenant.end_of(tenant.invite(elsewhere, group=other))

    dry = imports.caller.post(f"{location}/undo?dryRun=true").json()
    assert (dry["memberships"], dry["guests"], dry["kept"]) == (4, 1, 2)
    assert imports.caller.post(f"{location}/undo").status_code == 202
    found = imports.in_state(location, "undone")

    assert found["counts"]["undone"] == 4
    left = tenant.members()
    assert before in left
    assert not {plain, came, elsewhere, "gus@adatum.com"} & set(left)
    assert elsewhere in tenant.members(other)
    token = tenant.token(client="guestlist", audience="https://graph.microsoft.com")
    users = {
        a: tenant.simulator.get(f"/v1.0/users/{ids[a]}", headers={"Authorization": f"Bearer {token}"}).status_code
        for a in (plain, came, elsewhere)
    }
    assert users == {plain: 404, came: 200, elsewhere: 200}
    assert imports.caller.post(f"{location}/undo").status_code == 202, "a repeat is harmless"


def test_imports_are_seen_by_owners_administrators_and_auditors_alone(tenant: Tenant, imports: Imports) -> None:
    location = imports.begin(f"address\n{address()}\n")

    for who in (OWNER, OTHER, ADMIN):  # both own the group
        assert tenant.caller(who).get(location).status_code == 200
        assert tenant.caller(who).get(imports.path).status_code == 200
    stranger = tenant.caller(STRANGER)
    problem(stranger.get(location), Reason.IMPORT_MISSING)
    problem(stranger.get(f"{location}/results"), Reason.IMPORT_MISSING)
    problem(stranger.get(imports.path), Reason.NOT_OWNER)
    assert tenant.caller(AUDITOR).get(location).status_code == 200
    assert tenant.caller(AUDITOR).get(imports.path).status_code == 200
    for who in (STRANGER, AUDITOR):
        caller = tenant.caller(who)
        problem(caller.post(f"{location}/cancel"), Reason.IMPORT_MISSING)
        problem(caller.post(f"{location}/undo"), Reason.IMPORT_MISSING)
        problem(Imports(tenant, caller=caller).ask("address\na@fabrikam.com\n"), Reason.NOT_OWNER)
    anonymous = httpx.Client(base_url=tenant.stack.host_url)
    problem(anonymous.get(location), Reason.TOKEN_MISSING)
    anonymous.close()
    elsewhere = location.replace(tenant.group, tenant.group_named("Guests without an app"))
    problem(tenant.caller(ADMIN).get(elsewhere), Reason.IMPORT_MISSING)
    imports.in_state(location, "done")


def test_groups_that_take_no_guests_take_no_files(tenant: Tenant) -> None:
    dynamic = Imports(tenant, tenant.group_named("Everybody abroad"))

    problem(dynamic.ask(f"address\n{address()}\n"), Reason.GROUP_DYNAMIC)


def test_long_results_come_in_parts(imports: Imports) -> None:
    """Rows that cannot be used cost nothing, so a long file is quickly done."""
    location = imports.begin("address\n" + "nobody\n" * 25_000)
    found = imports.in_state(location, "done")
    assert found["counts"]["invalid"] == found["rows"] == 25_000

    lines, link, parts = 0, f"{location}/results", 0
    while link:
        answer = imports.caller.get(link)
        lines, parts = lines + answer.text.count("\n"), parts + 1
        link = answer.links.get("next", {}).get("url", "")
    assert (lines, parts) == (25_001, 2)
    problem(imports.caller.get(f"{location}/results?continuation=nonsense"), Reason.PARAMETER_INVALID)
