"""What an app's admin lets audits do about findings, and how much of it."""

from collections.abc import Mapping
from math import ceil

from msgspec import Struct

from shared.core.audit_rules import RULES, Remedy, Rule

_STORED = {
    "auto_apply": "carry_out",
    "max_guests": "most",
    "max_percent": "most_percent",
    "skip_guests_with_other_access": "spare_others",
    "resend_after_days": "again_after_days",
}
"""What rows call a field."""


class AuditPolicy(Struct, frozen=True, rename=_STORED):
    """`remedies` names, for a rule, what is done about its findings besides the report.

    Nothing is done unless `auto_apply` is set: audits then only write down what they would do. `max_guests`, and the
    `max_percent` share of the app's guests (never less than one guest), are what one audit may touch; an audit that
    would touch more touches nobody and waits for an admin. `skip_guests_with_other_access` keeps away from guests who
    have another group, or an app of their own. A guest is sent an invitation again after `resend_after_days` at the
    soonest.
    """

    remedies: Mapping[Rule, Remedy] = {}
    auto_apply: bool = False
    max_guests: int = 20
    max_percent: int = 10
    skip_guests_with_other_access: bool = True
    resend_after_days: int = 14

    def exceeds(self, touched: int, guests: int) -> str | None:
        """Why that many guests of all that the app has are too many; None where they are not."""
        if touched > self.max_guests:
            return f"{touched} guests would be touched; {self.max_guests} is the most"
        share = max(1, ceil(guests * self.max_percent / 100))
        if touched > share:
            return (
                f"{touched} of {guests} guests would be touched; {self.max_percent} % of them, {share}, are the most"
            )
        return None


def wrong_remedies(policy: AuditPolicy) -> list[tuple[Rule, Remedy]]:
    """Those that a rule does not know."""
    return [
        (rule, remedy)
        for rule, remedy in policy.remedies.items()
        if remedy is not Remedy.REPORT and remedy not in RULES[rule].remedies
    ]
