"""What is missing in the tenant, the permissions and the settings, each with how to fix it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.core import admin_center
from shared.core.caller import Caller
from shared.core.checks import SELF_SERVICE_GROUPS, CheckState, Confirmation, checks_of
from shared.core.clock import Clock
from shared.core.errors import Refused
from shared.core.features import ALL, OF_SETUP, Feature, Features
from shared.diagnostics.model import DiagnosedCheck, diagnose_features, diagnose_tenant
from shared.diagnostics.ports import Heartbeats
from shared.diagnostics.readiness import holds_of_setup
from shared.invitations.ports import Store
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.pace.pacing import Breaker

if TYPE_CHECKING:
    from shared.graph.app_directory import GraphAppDirectory


@dataclass(frozen=True, slots=True)
class Diagnose:
    """`identity` is the client id of Guestlist's identity, where the settings name it; `mail` names the way its
    own mail is sent, None where there is none. `confirmation` reads what a person has confirmed."""

    directory: "GraphAppDirectory"
    store: Store
    confirmation: Callable[[str], Awaitable[Confirmation | None]]
    identity: str | None
    mailbox: str | None
    mail_service: str | None
    sign_in_client: str | None
    clock: Clock
    features: Features = ALL
    setup_worker: Heartbeats | None = None
    setup_identity: str | None = None
    renamed_settings: tuple[str, ...] = ()

    async def __call__(self, caller: Caller) -> list[DiagnosedCheck]:
        """Raises Refused `not-admin`; DirectoryBusy and StorageBusy where they cannot be asked now."""
        require(caller, Action.DIAGNOSE)
        held = await self.directory.permissions()
        if self.setup_worker is None:
            findings = diagnose_features(held, self.features, self.identity)
        else:
            findings = await self._of_both(held, self.setup_worker)
        try:
            findings += diagnose_tenant(checks_of(await self.directory.read_tenant()))
        except Refused as e:
            findings.append(DiagnosedCheck("The tenant", CheckState.UNKNOWN, e.detail or ""))
        breaker = (await self.store.read_breaker()).value
        findings += [await self._self_service(), _breaker(breaker), self._mail(), self._sign_in()]
        return [*findings, _renamed(self.renamed_settings)] if self.renamed_settings else findings

    async def _of_both(self, held: frozenset[str], heartbeats: Heartbeats) -> list[DiagnosedCheck]:
        """Setup's identity is another one, whose own worker says what it holds."""
        chain, title = await heartbeats.read(), "Setup's own worker"
        of_setup = holds_of_setup(chain, self.clock.now())
        findings = diagnose_features(held, self.features, self.identity, without=OF_SETUP)
        findings += diagnose_features(of_setup, self.features, self.setup_identity, without=set(Feature) - OF_SETUP)
        state, said = CheckState.ATTENTION, "it has not reported yet"
        if chain.setup is not None:
            state = CheckState.OK if of_setup else CheckState.WRONG
            said = f"last reported at {chain.setup.at:%Y-%m-%d %H:%M} UTC"
        remedy = "See whether the function app for setup runs: it reports each quarter of an hour"
        return [*findings, DiagnosedCheck(title, state, said, remedy=None if state is CheckState.OK else remedy)]

    async def _self_service(self) -> DiagnosedCheck:
        title = "Self-service group management"
        said = await self.confirmation(SELF_SERVICE_GROUPS)
        if said is not None:
            found = f"{said.name} confirmed it on {said.at:%Y-%m-%d}; no public API shows the switch"
            return DiagnosedCheck(title, CheckState.OK, found)
        found = "no public API shows the switch, and nobody has confirmed it yet"
        remedy = "Set 'Owners can manage group membership requests in the Access Panel' to Yes; a setup asks for it"
        return DiagnosedCheck(title, CheckState.UNKNOWN, found, remedy=remedy, link=admin_center.GROUPS_GENERAL)

    def _mail(self) -> DiagnosedCheck:
        title = "Mail sender for welcome messages"
        if self.mailbox is not None:
            return DiagnosedCheck(title, CheckState.OK, f"the mailbox {self.mailbox}")
        if self.mail_service is not None:
            return DiagnosedCheck(title, CheckState.OK, f"Azure Communication Services, {self.mail_service}")
        found = "none: invitations with a welcome message are refused"
        remedy = "Set GUESTLIST_MAIL_MAILBOX, or GUESTLIST_ACS_ENDPOINT and GUESTLIST_ACS_SENDER"
        command = _set_command("GUESTLIST_MAIL_MAILBOX=ADDRESS")
        return DiagnosedCheck(title, CheckState.ATTENTION, found, remedy=remedy, command=command)

    def _sign_in(self) -> DiagnosedCheck:
        title = "Sign-in of people (command line, portal)"
        if self.sign_in_client is not None:
            return DiagnosedCheck(title, CheckState.OK, f"the public client {self.sign_in_client}")
        found = "no public client is set: people need another way to get a token"
        remedy = "Set GUESTLIST_CLIENT_ID to a public client of your tenant"
        command = _set_command("GUESTLIST_CLIENT_ID=CLIENT_ID")
        return DiagnosedCheck(title, CheckState.ATTENTION, found, remedy=remedy, command=command)


def _set_command(setting: str) -> str:
    return f"az functionapp config appsettings set -n APP -g GROUP --settings {setting}"


def _renamed(settings: tuple[str, ...]) -> DiagnosedCheck:
    title = "Names of settings"
    remedy = "Give them their new names in the app's settings: the next version does not read the old ones"
    return DiagnosedCheck(title, CheckState.ATTENTION, "; ".join(settings), remedy=remedy)


def _breaker(breaker: Breaker) -> DiagnosedCheck:
    title = "Invitations of the tenant"
    if not breaker.is_open:
        return DiagnosedCheck(title, CheckState.OK, "not blocked, as far as Guestlist has seen")
    found = f"blocked by Microsoft since {breaker.open_since:%Y-%m-%d %H:%M} UTC: {breaker.detail}"
    return DiagnosedCheck(title, CheckState.WRONG, found, remedy="Open a ticket with Microsoft support")
