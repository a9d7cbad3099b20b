"""What is missing in the tenant, the permissions and the settings, each with how to fix it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.core import admin_center
from shared.core.caller import Caller
from shared.core.checks import Check, CheckState
from shared.core.clock import Clock
from shared.core.errors import Refused
from shared.core.features import ALL, Feature, Features
from shared.core.permissions import OF_SETUP
from shared.core.tenants import SELF_SERVICE_GROUPS, checks_of
from shared.diagnostics.model.diagnosis import DiagnosedCheck, diagnose_features, diagnose_tenant
from shared.diagnostics.ports import Confirmations, Heartbeats
from shared.diagnostics.readiness import holds_of_setup
from shared.invitations.ports import Store
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.pace.breaker import Breaker

if TYPE_CHECKING:
    from shared.graph.apps.app_directory import GraphAppDirectory


@dataclass(frozen=True, slots=True)
class Diagnose:
    """`identity` is the client id of Guestlist's identity, where the settings name it; `mail` names the way its
    own mail is sent, None where there is none."""

    directory: "GraphAppDirectory"
    store: Store
    confirmations: Confirmations
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
            findings.append(DiagnosedCheck(Check("The tenant", CheckState.UNKNOWN, e.detail or ""), "The tenant"))
        findings.append(await self._self_service())
        findings.append(_breaker((await self.store.read_breaker()).value))
        findings.append(self._mail())
        findings.append(self._sign_in())
        if self.renamed_settings:
            findings.append(_renamed(self.renamed_settings))
        return findings

    async def _of_both(self, held: frozenset[str], heartbeats: Heartbeats) -> list[DiagnosedCheck]:
        """Setup's identity is another one, whose own worker says what it holds."""
        chain, title = await heartbeats.read(), "Setup's own worker"
        of_setup = holds_of_setup(chain, self.clock.now())
        findings = diagnose_features(held, self.features, self.identity, without=OF_SETUP)
        findings += diagnose_features(of_setup, self.features, self.setup_identity, without=set(Feature) - OF_SETUP)
        if chain.setup is None:
            check = Check(title, CheckState.ATTENTION, "it has not reported yet")
        else:
            state = CheckState.OK if of_setup else CheckState.WRONG
            check = Check(title, state, f"last reported at {chain.setup.at:%Y-%m-%d %H:%M} UTC")
        remedy = "See whether the function app for setup runs: it reports each quarter of an hour"
        return [*findings, DiagnosedCheck(check, title, None if check.state is CheckState.OK else remedy)]

    async def _self_service(self) -> DiagnosedCheck:
        title = "Self-service group management"
        said = await self.confirmations.read_confirmation(SELF_SERVICE_GROUPS)
        if said is not None:
            found = f"{said.name} confirmed it on {said.at:%Y-%m-%d}; no public API shows the switch"
            return DiagnosedCheck(Check(title, CheckState.OK, found), title)
        check = Check(title, CheckState.UNKNOWN, "no public API shows the switch, and nobody has confirmed it yet")
        remedy = "Set 'Owners can manage group membership requests in the Access Panel' to Yes; a setup asks for it"
        return DiagnosedCheck(check, title, remedy, admin_center.groups_general())

    def _mail(self) -> DiagnosedCheck:
        title = "Mail sender for welcome messages"
        if self.mailbox is not None:
            return DiagnosedCheck(Check(title, CheckState.OK, f"the mailbox {self.mailbox}"), title)
        if self.mail_service is not None:
            return DiagnosedCheck(
                Check(title, CheckState.OK, f"Azure Communication Services, {self.mail_service}"), title
            )
        check = Check(title, CheckState.ATTENTION, "none: invitations with a welcome message are refused")
        command = "az functionapp config appsettings set -n APP -g GROUP --settings GUESTLIST_MAIL_MAILBOX=ADDRESS"
        remedy = "Set GUESTLIST_MAIL_MAILBOX, or GUESTLIST_ACS_ENDPOINT and GUESTLIST_ACS_SENDER"
        return DiagnosedCheck(check, title, remedy, None, command)

    def _sign_in(self) -> DiagnosedCheck:
        title = "Sign-in of people (command line, portal)"
        if self.sign_in_client is not None:
            return DiagnosedCheck(Check(title, CheckState.OK, f"the public client {self.sign_in_client}"), title)
        check = Check(title, CheckState.ATTENTION, "no public client is set: people need another way to get a token")
        command = "az functionapp config appsettings set -n APP -g GROUP --settings GUESTLIST_CLIENT_ID=CLIENT_ID"
        return DiagnosedCheck(
            check, title, "Set GUESTLIST_CLIENT_ID to a public client of your tenant", None, command
        )


def _renamed(settings: tuple[str, ...]) -> DiagnosedCheck:
    title = "Names of settings"
    remedy = "Give them their new names in the app's settings: the next version does not read the old ones"
    return DiagnosedCheck(Check(title, CheckState.ATTENTION, "; ".join(settings)), title, remedy)


def _breaker(breaker: Breaker) -> DiagnosedCheck:
    title = "Invitations of the tenant"
    if not breaker.is_open:
        return DiagnosedCheck(Check(title, CheckState.OK, "not blocked, as far as Guestlist has seen"), title)
    found = f"blocked by Microsoft since {breaker.open_since:%Y-%m-%d %H:%M} UTC: {breaker.detail}"
    return DiagnosedCheck(Check(title, CheckState.WRONG, found), title, "Open a ticket with Microsoft support")
