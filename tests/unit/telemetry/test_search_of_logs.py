"""The search that reads a whole run's logs finds what must not stand there: a clean result means something."""

from pathlib import Path

import httpx
import pytest

from tests.integration.privacy import Sent


@pytest.fixture
def sent() -> Sent:
    found = Sent()
    body = {"address": "ada@fabrikam.com", "displayName": "Ada Lovelace", "welcomeMessage": "Welcome to the travels"}
    found.look(httpx.Request("POST", "http://app.example/api/invitations", json=body))
    rows = b"address,name,message\nbob@fabrikam.com,Robert Boyle,Glad to have you\n"
    found.look(httpx.Request("POST", "http://app.example", content=rows, headers={"content-type": "text/csv"}))
    return found


@pytest.mark.parametrize(
    "line",
    [
        "inviting ada@fabrikam.com",
        "GET /users?$filter=mail eq 'somebody.else%40fabrikam.com'",
        '{"stringValue": "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com"}',
        "a guest called Ada Lovelace",
        "said: Welcome to the travels",
        "row of Robert Boyle",
        "Glad to have you",
    ],
)
def test_a_persons_data_in_any_line_is_found(sent: Sent, tmp_path: Path, line: str) -> None:
    file = tmp_path / "host.log"
    file.write_text(f"a clean line\n{line}\nanother\n", encoding="utf-8")

    [found] = list(sent.found_in(file))[:1]

    assert found.startswith("host.log:2:")


def test_ids_states_and_hashes_are_no_persons_data(sent: Sent, tmp_path: Path) -> None:
    file = tmp_path / "host.log"
    file.write_text(
        "invitation 22222222222242228222222222222222-fe62a1b2c3d40123456789-00 failed: guest-missing\n"
        "later: the directory is busy, for guest-bce6194cbd05f443\n",
        encoding="utf-8",
    )

    assert list(sent.found_in(file)) == []
