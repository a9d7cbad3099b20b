"""The sample guests and what the run makes of them."""

from pathlib import Path
from typing import Any

import pytest

from local.guests import SINGLE, BadTemplate, End, Guest, Outcome, mail_faults, read_expected, read_guests, text_of
from local.tenant import SAMPLES

LINK = "https://launcher.myapps.microsoft.com/api/signin/x?tenantId=y"


def test_every_sample_guest_has_an_end_that_is_meant() -> None:
    addresses = [guest.address for guest in read_guests()] + [SINGLE.address]
    assert len(addresses) == len(set(addresses))
    assert set(addresses) == set(read_expected())


def test_the_samples_document_names_every_guest_with_its_end() -> None:
    rows = [
        line for line in (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    told = {cells[1].strip(" `"): cells[3] for cells in (row.split("|") for row in rows)}
    for address, end in read_expected().items():
        assert end.end in told[address]
        assert (end.reason or "") in told[address]
    assert set(told) == set(read_expected())


def test_a_welcome_message_keeps_its_quotes_and_markup() -> None:
    messages = {guest.address: guest.message for guest in read_guests()}
    message = messages["elif@bücher.example"]
    assert message is not None
    assert '<Bitte> lies zuerst "Erste Schritte"' in message
    assert messages["ada.fischer@fabrikam.com"] is None


@pytest.mark.parametrize(
    "text", ["", "Email [inviteeEmail]\na@b.com\n", "version:v1.0\n", "version:v1.0\nEmail [inviteeEmail]\na@b.com\n"]
)
def test_a_file_that_is_not_the_template_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "guests.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadTemplate):
        read_guests(file)


def said(**changes: Any) -> dict[str, Any]:
    return {"state": "member", "isFinal": True, "reason": None, "directLink": LINK, **changes}


@pytest.mark.parametrize(
    ("answer", "as_meant"),
    [
        (said(), True),
        (said(state="mailed"), False),
        (said(directLink=""), False),
        (said(reason="mail-not-sent"), False),
        (said(alreadyInDirectory=True), False),
        (said(isFinal=False), False),
        (said(state="failed", reason="domain-blocked"), False),
    ],
)
def test_a_guest_is_as_meant_only_at_the_very_end_that_is_meant(answer: dict[str, Any], as_meant: bool) -> None:
    outcome = Outcome(Guest("a@fabrikam.com"), End("member"))
    outcome.note(answer)
    assert outcome.is_as_meant is as_meant


def test_a_refused_request_is_as_meant_only_for_the_reason_that_is_meant() -> None:
    for reason, as_meant in (("address-invalid", True), ("not-owner", False)):
        outcome = Outcome(Guest("a"), End("refused", "address-invalid"), problem={"reason": reason})
        assert outcome.is_as_meant is as_meant


def mail(kind: str, to: str, body: str = "") -> dict[str, Any]:
    return {"kind": kind, "from": "x", "to": [to], "subject": "s", "body": body, "contentType": "html"}


def test_a_guest_with_a_message_gets_one_mail_with_it_and_no_invitation() -> None:
    outcome = Outcome(Guest("e@bücher.example", "Hi <you> & co"), End("mailed"))
    good = mail("message", "e@xn--bcher-kva.example", "<p>Hi &lt;you&gt;\n&amp; co</p>")
    assert mail_faults(outcome, [good]) == []
    assert mail_faults(outcome, [])
    assert mail_faults(outcome, [good, good])
    assert mail_faults(outcome, [good, mail("invitation", "e@bücher.example")])
    assert mail_faults(outcome, [mail("message", "e@bücher.example", "<p>Hi</p>")])


def test_who_was_in_the_directory_gets_no_invitation() -> None:
    new = Outcome(Guest("a@fabrikam.com"), End("member"))
    known = Outcome(Guest("a@fabrikam.com"), End("member", already_in_directory=True))
    sent = [mail("invitation", "A@fabrikam.com")]
    assert mail_faults(new, sent) == []
    assert mail_faults(known, sent)
    assert mail_faults(known, []) == []


def test_a_mail_is_shown_without_its_markup() -> None:
    shown = text_of(
        mail(
            "message",
            "a",
            "<style>p {}</style><p>One</p>\n<p>T&uuml;r<br><a class='b' href='https://x/?a&amp;b'>Go</a></p>",
        )
    )
    assert shown.split() == ["One", "Tür", "Go:", "https://x/?a&b"]
