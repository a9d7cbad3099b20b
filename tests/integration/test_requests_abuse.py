"""Strangers against the running product: decisions, mailboxes, those who decide and other mail stay what they are."""

import re
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from azure.data.tables import TableServiceClient

from local.stack import Stack
from shared.core.reasons import Reason
from shared.requests.send_mail import STRANGERS
from tests.integration.conftest import OTHER, OWNER, QUICK, Tenant, eventually
from tests.integration.test_invitations import problem
from tests.integration.test_portal import ask, pending, prove
from tests.integration.test_setups import app, confirm_all, start  # noqa: F401 - a fixture of this test, too

pytestmark = pytest.mark.xdist_group("strangers")

# The limits and the pace that the product has where nobody sets them, but for a domain: fewer are asked faster.
_OWN = [n for n in QUICK if n.startswith("GUESTLIST_REQUEST") or n == "GUESTLIST_MAILS_PER_MINUTE"]
SETTINGS = {name: value for name, value in QUICK.items() if name not in _OWN} | {
    "GUESTLIST_REQUESTS_PER_DAY_AND_DOMAIN": "12",
    # The host here appends the caller's address as App Service does: the one before it is a test's own.
    "GUESTLIST_TRUSTED_PROXIES": "2",
}
MOST_OF_MAILBOX = 6


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(workers=1, lease_seconds=3, max_poll_ms=400, extra_settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def tenant(stack: Stack) -> Iterator[Tenant]:
    tenant = Tenant(stack)
    yield tenant
    tenant.close()


@pytest.fixture
def group(tenant: Tenant, app: dict[str, Any]) -> str:  # noqa: F811
    return a_group(tenant, app)


def a_group(tenant: Tenant, app: dict[str, Any]) -> str:  # noqa: F811
    location = start(tenant, {"app": {"appId": app["appId"]}, "owners": [OWNER, OTHER]})
    return str(confirm_all(tenant, location)["found"]["group"]["id"])


@pytest.fixture
def anybody(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.host_url, timeout=60) as client:
        yield client


def asks(anybody: httpx.Client, group: str, address: str, source: int) -> httpx.Response:
    """A stranger at a network address of their own."""
    headers = {"X-Forwarded-For": f"198.18.{source // 250}.{source % 250 + 1}"}
    return anybody.post(f"/api/groups/{group}/requests", json={"address": address}, headers=headers)


def unique(domain: str) -> str:
    return f"u{uuid.uuid4().hex[:10]}@{domain}"


def test_an_anonymous_repeat_leaves_a_decision_as_it_is_and_mails_nobody_beyond_the_bounds(
    tenant: Tenant, group: str, anybody: httpx.Client
) -> None:
    address = unique(f"of-{uuid.uuid4().hex[:8]}.example.com")
    prove(anybody, ask(tenant, anybody, group, address))
    [request] = pending(tenant, group)
    # Once: what is asked after the decision must not be beyond the address's own limit.
    assert asks(anybody, group, address, 1).status_code == 202
    assert pending(tenant, group) == [request], "it waits as before"

    path = f"/api/groups/{group}/requests"
    tenant.caller().post(f"{path}/{request['id']}/approve", json={"note": "Welcome!"}).raise_for_status()

    def approved() -> dict[str, Any] | None:
        [found] = tenant.caller().get(path).json()["value"]
        return found if found["invitationId"] else None

    before = eventually(approved)
    assert before is not None
    tenant.end_of(before["invitationId"])
    for source in range(10, 15):
        assert asks(anybody, group, address, source).status_code == 202

    assert approved() == before
    assert (before["state"], before["note"], before["decidedBy"]["name"]) == ("approved", "Welcome!", "Olivia Owner")
    time.sleep(3)
    proofs = [m for m in tenant.mails(address) if "Confirm" in str(m)]
    assert len(proofs) <= 3


def test_a_code_that_was_used_says_so_and_its_page_shows_nothing_of_a_person(
    tenant: Tenant, group: str, anybody: httpx.Client
) -> None:
    address = unique(f"of-{uuid.uuid4().hex[:8]}.example.com")
    page = ask(tenant, anybody, group, address, displayName="Ada Lovelace", reason="We travel")
    assert prove(anybody, page).json()["usedBefore"] is False
    [request] = pending(tenant, group)
    tenant.caller().post(
        f"/api/groups/{group}/requests/{request['id']}/decline", json={"note": "Ada, ask your IT"}
    ).raise_for_status()

    again = prove(anybody, page)

    assert (again.status_code, again.json()["state"], again.json()["usedBefore"]) == (200, "declined", True)
    shown = anybody.get(page).text
    for text in (address, "Ada", "travel", "Olivia"):
        assert text not in shown


@pytest.fixture
def free_lane_after(stack: Stack) -> Iterator[None]:
    """Whoever asks in a later test is not mailed behind more than a hundred strangers."""
    yield
    with closing(TableServiceClient.from_connection_string(stack.azurite.connection_string)) as tables:
        tables.get_table_client("Tenant").delete_entity("pace", STRANGERS)


@pytest.mark.usefixtures("free_lane_after")
def test_no_mailbox_domain_or_decider_gets_more_than_its_share_and_a_welcome_mail_still_leaves(
    tenant: Tenant, group: str, anybody: httpx.Client
) -> None:
    other = a_group(tenant, another_app(tenant))
    name = uuid.uuid4().hex[:8]
    variants = [f"{name[:n]}.{name[n:]}@{d}" for n in range(1, 8) for d in ("gmail.com", "googlemail.com")]
    for source, variant in enumerate(variants):
        for each in (group, other):
            assert asks(anybody, each, variant, 100 + source).status_code == 202, "nobody is told that others asked"
    domain = f"catch-all-{name}.example.com"
    answers = [asks(anybody, group, unique(domain), 200 + n) for n in range(16)]
    assert Counter(a.status_code for a in answers) == {202: 12, 429: 4}
    refused = problem(answers[-1], Reason.TOO_MANY_REQUESTS)
    until = datetime.fromisoformat(refused["until"])
    wait = int(answers[-1].headers["Retry-After"])
    assert 0 < wait <= 24 * 3600
    assert abs((until - datetime.now(UTC)).total_seconds() - wait) < 30
    for n in range(100):
        assert asks(anybody, group, unique(f"d{n}-{name}.example.com"), 300 + n).status_code == 202

    guest = unique("fabrikam.com")
    began = time.monotonic()
    invitation = tenant.invite(guest, group=group, welcomeMessage="Welcome!")
    assert tenant.end_of(invitation, within_s=60)["state"] == "mailed"
    took = time.monotonic() - began
    print(f"a welcome mail left after {took:.1f} s behind {100 + len(variants) + 12} mails to strangers")
    assert took < 30

    mails = tenant.simulator.get("/_sim/mails").json()
    strangers = [m for m in mails if "Confirm" in str(m)]
    assert len([m for m in strangers if set(m["to"]) & set(variants)]) <= MOST_OF_MAILBOX
    told = Counter(address for m in mails if re.search(r"wait[s]? for you", str(m)) for address in m["to"])
    assert all(count <= 1 for count in told.values()), "all of this happened within an hour"


def another_app(tenant: Tenant) -> dict[str, Any]:
    app_id = str(uuid.uuid4())
    made = {"id": str(uuid.uuid4()), "appId": app_id, "displayName": f"App {app_id[:8]}"}
    made |= {"preferredSingleSignOnMode": "saml", "loginUrl": "https://app.example/login"}
    tenant.simulator.post("/_sim/seed", json={"servicePrincipals": [made]}).raise_for_status()
    return made
