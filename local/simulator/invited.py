"""What the directory remembers of invitations: tickets and mails per guest, and how many there were."""

import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit


@dataclass(slots=True)
class InvitedGuest:
    user_id: str
    email: str
    redeem_urls: list[str] = field(default_factory=list)
    mails: int = 0
    tickets_mailed: int = 0
    """How many tickets there were when the newest mail went out."""

    def shown(self) -> dict[str, Any]:
        """The form of ``GET /_sim/invitations``."""
        return {
            "userId": self.user_id,
            "email": self.email,
            "tickets": len(self.redeem_urls),
            "mails": self.mails,
            "ticketsSinceMail": len(self.redeem_urls) - self.tickets_mailed if self.mails else 0,
            "redeemUrls": list(self.redeem_urls),
        }


class InvitedGuests:
    """Tickets by guest. `since_unblocked` counts invitations towards the anomaly block (graph contract
    "Invitations")."""

    def __init__(self) -> None:
        self.guests: dict[str, InvitedGuest] = {}
        self.since_unblocked = 0
        self.policy_before: tuple[str, float] | None = None
        """The invite policy that was changed, and when: it works a while longer."""

    def guest(self, user_id: str, email: str) -> InvitedGuest:
        return self.guests.setdefault(user_id.lower(), InvitedGuest(user_id, email))

    def ticket(self, guest: InvitedGuest, *, tenant_id: str, version: str = "2.0") -> str:
        """A new redeem URL for the guest, in the published form (graph contract "Invitations")."""
        ticket = secrets.token_urlsafe(32).replace("-", "A").replace("_", "B")
        inner = (
            "https://invitations.microsoft.com/redeem/"
            f"?tenant={tenant_id}&user={guest.user_id}&ticket={ticket}&ver={version}"
        )
        # Percent-encoding with lower-case digits.
        quoted = re.sub("%..", lambda found: found[0].lower(), quote(inner, safe=""))
        url = f"https://login.microsoftonline.com/redeem?rd={quoted}"
        guest.redeem_urls.append(url)
        return url

    def owner_of(self, redeem_url: str) -> InvitedGuest | None:
        """Whose ticket a redeem URL carries; None for a ticket never given out."""
        inner = parse_qs(urlsplit(redeem_url).query).get("rd", [""])[0]
        user = parse_qs(urlsplit(inner).query).get("user", [""])[0]
        guest = self.guests.get(user.lower())
        return guest if guest is not None and redeem_url in guest.redeem_urls else None
