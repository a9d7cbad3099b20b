"""What Guestlist can do, in parts that an administrator switches on or leaves off: each needs permissions of its own
(`shared.core.permissions`), and one that is off is refused at its door."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from shared.core.errors import Refused
from shared.core.reasons import Reason


class Feature(StrEnum):
    """A part of Guestlist. The value is what `GUESTLIST_FEATURES` and the API call it."""

    INVITING = "inviting"
    SETUP = "setup"
    ACCESS_PACKAGES = "access-packages"
    AUDITS = "audits"
    REMEDIES = "remedies"
    UNDO = "undo"
    SIGN_INS = "sign-ins"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """`does` completes "It lets Guestlist …"; `without` says what is so where it is off; `needs` are features that
    have to be on as well."""

    title: str
    does: str
    without: str
    needs: tuple[Feature, ...] = ()


FEATURES: dict[Feature, FeatureFacts] = {
    Feature.INVITING: FeatureFacts(
        "Inviting",
        "invite guests into groups for their owners: one by one, from a file, or after a request to join",
        "Always on: it is what Guestlist is for.",
    ),
    Feature.SETUP: FeatureFacts(
        "Setting apps up",
        "make an app self-service: its group and owners, single sign-on, and who is assigned to it",
        "Nobody can start or go on with a setup, or take an app apart. Groups that are there can be invited to.",
    ),
    Feature.ACCESS_PACKAGES: FeatureFacts(
        "Access packages",
        "set an app up with an access package, through which people from outside ask Microsoft for access",
        "A setup with an access package is refused; one without goes through.",
        (Feature.SETUP,),
    ),
    Feature.AUDITS: FeatureFacts(
        "Audits",
        "compare what was asked for with what the directory says, and report the difference; it changes nothing",
        "No audit begins, by hand or by the timer. Reports that are there can be read.",
    ),
    Feature.REMEDIES: FeatureFacts(
        "Remedies of audits",
        "act on what an audit found, where an app's policy asks for it: remove, block or delete a guest, or send "
        "an invitation again",
        "Audits report, and nothing is planned or carried out.",
        (Feature.AUDITS,),
    ),
    Feature.UNDO: FeatureFacts(
        "Undo",
        "undo an import, and delete the accounts that an import or a cancelled invitation made and nobody ever used",
        "An import cannot be undone. An invitation can be cancelled: the guest leaves the group, the account stays.",
    ),
    Feature.SIGN_INS: FeatureFacts(
        "Last sign-ins",
        "show owners when a guest last signed in, and have audits report who stays away",
        "The last sign-in is shown as unknown, and audits do not judge it.",
    ),
    Feature.MAILBOX: FeatureFacts(
        "Mail from a mailbox",
        "send welcome messages and mails about requests from a mailbox of the tenant",
        "On where `GUESTLIST_MAIL_MAILBOX` is set. Without it, or Azure Communication Services, welcome messages are "
        "refused and Microsoft's own invitation mail is sent.",
    ),
}

CHOICE = tuple(f for f in Feature if f not in (Feature.INVITING, Feature.MAILBOX))
"""Those that `GUESTLIST_FEATURES` switches: inviting is always on, the mailbox has a setting of its own."""


@dataclass(frozen=True, slots=True)
class Features:
    """Those that are on."""

    on: frozenset[Feature]

    def has(self, feature: Feature) -> bool:
        return feature in self.on

    def need(self, feature: Feature) -> None:
        """Raises Refused `feature-off`."""
        if feature not in self.on:
            facts = FEATURES[feature]
            raise Refused(Reason.FEATURE_OFF, f"'{feature.value}' is off here. It would {facts.does}")

    @property
    def off(self) -> tuple[Feature, ...]:
        return tuple(f for f in Feature if f not in self.on)


ALL = Features(frozenset(Feature))


def choose(names: Collection[str] | None, *, mailbox: bool) -> tuple[Features, list[str]]:
    """The features of these names, None for all; and what is wrong with the choice, in the words of who made it."""
    own = frozenset({Feature.INVITING} | ({Feature.MAILBOX} if mailbox else set()))
    if names is None:
        return Features(own | frozenset(CHOICE)), []
    faults: list[str] = []
    chosen: set[Feature] = set()
    known = ", ".join(f.value for f in CHOICE)
    for name in names:
        if name == Feature.MAILBOX:
            faults.append("'mailbox' is switched on by GUESTLIST_MAIL_MAILBOX alone")
        elif name in set(Feature):
            chosen.add(Feature(name))
        else:
            faults.append(f"'{name}' is no feature; known are {known}")
    for feature in sorted(chosen):
        faults += [
            f"'{feature.value}' needs '{needed.value}' as well"
            for needed in FEATURES[feature].needs
            if needed not in chosen
        ]
    return Features(own | chosen), faults
