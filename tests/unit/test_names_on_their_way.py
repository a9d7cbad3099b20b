"""Names that were kept before names were checked, or that the directory gives, on their way out."""

import sys
import unicodedata
from typing import Any

import pytest

from shared.core.addresses import parse_address
from shared.graph import batch, invitations
from shared.graph.ports import GuestToInvite
from shared.invitations.mail_text import JinjaMailText
from shared.mail.graph_mailbox import _message
from tests.builders import an_invitation

HIDDEN = "".join(
    c
    for c in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\u200c\u200d"
)
OLD = f"Ada{HIDDEN}Lovelace"


def hidden(text: str) -> list[str]:
    return [c for c in text if c in HIDDEN and c != "\n"]


async def test_an_old_row_asks_the_directory_with_a_clean_name(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    async def send(session: Any, parts: Any) -> list[Any]:
        sent.extend(parts)
        return []

    monkeypatch.setattr(batch, "send", send)
    guests = [
        GuestToInvite(parse_address("ada@fabrikam.com"), name, "https://x", False, None) for name in (OLD, HIDDEN)
    ]
    await invitations.invite(None, guests)  # type: ignore[arg-type]

    named, unnamed = (part.body for part in sent)
    assert not hidden(named["invitedUserDisplayName"])
    assert named["invitedUserDisplayName"].startswith("Ada")
    assert "invitedUserDisplayName" not in unnamed


def test_no_header_of_a_mail_and_no_line_of_it_holds_what_nobody_sees() -> None:
    invitation = an_invitation(display_name=OLD, inviter_name=OLD, app_name=OLD, message=f"{{guest}} {OLD}")
    mail = JinjaMailText().welcome(invitation)

    assert not hidden(mail.subject)
    assert not hidden(mail.text)
    assert not hidden(mail.html)
    assert "\n" not in mail.subject
    [to] = _message(mail)["toRecipients"]
    assert to == {"emailAddress": {"address": invitation.address.wire}}
