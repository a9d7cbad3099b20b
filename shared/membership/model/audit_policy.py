"""What an app's admin lets audits do about findings, and how much of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from shared.core.audit_rules import RULES, Remedy, Rule


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """`remedies` names, for a rule, what is done about its findings besides the report.

    Nothing is done unless `carry_out` is set: audits then only write down what they would do. `most` guests, and the
    `most_percent` share of the app's guests (never less than one guest), are what one audit may touch; an audit that
    would touch more touches nobody and waits for an admin. `spare_others` keeps away from guests who have another
    group, or an app of their own. A guest is sent an invitation again after `again_after_days` at the soonest.
    """

    remedies: Mapping[Rule, Remedy] = field(default_factory=dict)
    carry_out: bool = False
    most: int = 20
    most_percent: int = 10
    spare_others: bool = True
    again_after_days: int = 14

    def exceeds(self, touched: int, guests: int) -> str | None:
        """Why that many guests of all that the app has are too many; None where they are not."""
        if touched > self.most:
            return f"{touched} guests would be touched; {self.most} is the most"
        share = max(1, ceil(guests * self.most_percent / 100))
        if touched > share:
            return (
                f"{touched} of {guests} guests would be touched; {self.most_percent} % of them, {share}, are the most"
            )
        return None


def wrong_remedies(policy: AuditPolicy) -> list[tuple[Rule, Remedy]]:
    """Those that a rule does not know."""
    return [
        (rule, remedy)
        for rule, remedy in policy.remedies.items()
        if remedy is not Remedy.REPORT and remedy not in RULES[rule].remedies
    ]
