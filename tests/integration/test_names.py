"""Names that strangers choose, followed to wherever they arrive: directory, mail, file of outcomes."""

import csv
import io
import unicodedata
import uuid
from typing import Any

import pytest

from tests.integration.conftest import Tenant, eventually

REFUSED = {
    "escape": "Ada\x1b]0;owned\x07",
    "newline": "Ada\nBcc: all@contoso.com",
    "return": "Ada\rX",
    "separator": "Ada\u2028X",
    "override": "Ada\u202egnp.exe",
    "mark": "Ada\u200fX",
    "c1": "Ada\x9b31m",
    "nul": "Ada\x00",
    "link": "Your prize: https://evil.example/x",
    "host": "Your prize at evil.com",
    "address": "Bank <support@bank.example>",
}
DROPPED = "A\u00adda\u200b \ufeff\u2060Lovelace\u200d"
"""What nobody sees in it is dropped."""


def an_address() -> str:
    return f"n-{uuid.uuid4().hex[:10]}@fabrikam.com"


def user(tenant: Tenant, address: str) -> dict[str, Any] | None:
    token = tenant.token(client="guestlist", audience="https://graph.microsoft.com")
    path = f"/v1.0/users?$filter=mail eq '{address}'&$select=displayName"
    found = tenant.simulator.get(path, headers={"Authorization": f"Bearer {token}"}).json()["value"]
    return found[0] if found else None


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED.keys())
def test_what_no_name_has_is_refused_for_each_way_in(tenant: Tenant, name: str) -> None:
    address = an_address()
    base = f"/api/groups/{tenant.group}"
    sent = {"address": address, "displayName": name}
    refused = [
        tenant.ask(address, displayName=name),
        tenant.caller().post(f"{base}/invitations", data=sent),
        tenant.caller().post(f"{base}/requests", json=sent),
        tenant.caller().post(f"{base}/mail-preview", json=sent),
    ]
    for answer in refused:
        problem = answer.json()
        assert (answer.status_code, problem["reason"], problem["field"]) == (422, "name-invalid", "displayName")
        assert name not in answer.text
    assert user(tenant, address) is None


def test_what_nobody_sees_is_dropped_before_the_directory_and_no_recipient_has_a_name(tenant: Tenant) -> None:
    address = an_address()
    invitation = tenant.invite(address, displayName=DROPPED, welcomeMessage="Hello {guest}\x1b[2J\u202e!")

    assert tenant.end_of(invitation)["displayName"] == "Ada Lovelace"
    assert user(tenant, address) == {"displayName": "Ada Lovelace"} | (user(tenant, address) or {})
    [mail] = eventually(lambda: tenant.mails(address))
    assert "Hello Ada Lovelace[2J!" in mail["body"]
    assert "Ada" not in str(mail["to"])


def test_rows_with_such_names_are_said_with_their_lines_and_the_file_of_outcomes_shows_them(tenant: Tenant) -> None:
    good = an_address()
    lines = io.StringIO()
    rows = csv.writer(lines)
    rows.writerow(["address", "name"])
    # A file with NULs is no text at all, and lines in a cell are what spreadsheets write.
    bad = [name for kind, name in REFUSED.items() if kind not in ("nul", "return", "separator")]
    for name in bad:
        rows.writerow([an_address(), name])
    rows.writerow([an_address(), "Ada\r\nLovelace"])
    rows.writerow([good, good.upper()])
    answer = tenant.caller().post(
        f"/api/groups/{tenant.group}/imports?name=a%1B%5B2J%0Ab.csv",
        content=lines.getvalue().encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["fileName"] == "a[2J b.csv"
    location = answer.headers["location"]
    eventually(lambda: tenant.caller().get(location).json()["state"] == "done")

    results = tenant.caller().get(f"{location}/results").content.decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(results, newline="")))
    assert [row["reason"] for row in found] == ["row-invalid"] * len(bad) + ["", ""]
    assert all(row["detail"].startswith("name: ") for row in found[:-2])
    hidden = [c for c in results if unicodedata.category(c) in ("Cc", "Cf") and c not in "\r\n"]
    assert hidden == []
    # A name that is the guest's own address says nothing, and is none.
    assert (user(tenant, good) or {})["displayName"] != good.upper()
