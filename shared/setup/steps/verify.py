"""Everything read back from the directory and compared with what was asked for."""

from shared.core.checks import Check, CheckState
from shared.core.directory import Application, DirectoryUser, GroupFacts, choose_role, refusal
from shared.core.errors import DirectoryLagging, Refused
from shared.core.reasons import REASONS, Reason
from shared.messages.commands import SetupStep
from shared.setup.model import SelfService
from shared.setup.run import Result, Work
from shared.setup.steps.application import certificate_checks
from shared.setup.steps.group import find_assignment

PATIENCE = 6
"""Attempts before a difference is believed: membership and assignment reads lag writes (graph contract "Groups")."""


class Differs(Refused):
    """The directory is not as asked for; carries all checks, the good ones too."""

    def __init__(self, checks: tuple[Check, ...]) -> None:
        wrong = [c for c in checks if c.state is CheckState.WRONG]
        super().__init__(Reason.VERIFICATION_FAILED, "; ".join(f"{c.check}: {c.found}" for c in wrong))
        self.checks = checks


async def verify(work: Work) -> Result:
    """Read back and compare. Where something is not as it was set up, raises DirectoryLagging, as that may pass, and
    Differs when it has stayed so."""
    if work.dry:
        work.would("read everything back and compare")
        return Result()
    app, facts = await work.read_app(), await work.tools.groups.read_group(work.require_group().id)
    found = (
        *_group_checks(facts, work.found.owners),
        *_app_checks(work, app),
        *await _assignment_checks(work, app),
        *_confirmed(work),
    )
    if any(c.state is CheckState.WRONG for c in found):
        if work.attempt < PATIENCE:
            raise DirectoryLagging("not all of it can be read back yet")
        raise Differs(found)
    return Result(checks=found)


def _group_checks(facts: GroupFacts, owners: tuple[DirectoryUser, ...]) -> list[Check]:
    reason = refusal(facts)
    kind = _check(
        "The group",
        reason is None,
        f"'{facts.name}', a security group with assigned membership",
        f"'{facts.name}': {REASONS[reason].title.lower()}" if reason else "",
    )
    missing = [p.name for p in owners if p.id not in facts.owners]
    owned = _check(
        "Owners of the group", not missing, ", ".join(p.name for p in owners), f"{', '.join(missing)} missing"
    )
    return [kind, owned]


def _app_checks(work: Work, app: Application) -> list[Check]:
    enabled = _check("The app", app.enabled, f"'{app.name}', enabled for sign-in", f"'{app.name}' is switched off")
    checks = [enabled]
    if work.plan.saml is not None:
        checks.append(_check("Single sign-on", app.sign_on_mode == "saml", "SAML", f"'{app.sign_on_mode}', not SAML"))
    if app.sign_on_mode == "saml":
        try:
            checks += certificate_checks(work, app)
        except Refused as e:
            checks.append(Check("Signing certificate", CheckState.WRONG, e.detail or ""))
    return checks


async def _assignment_checks(work: Work, app: Application) -> list[Check]:
    role, group = choose_role(app, work.plan.app_role), work.require_group()
    named = {str(group.id): f"The group '{group.name}'"} | {p.id: p.name for p in work.found.owners}
    checks = []
    for principal, name in named.items():
        there = await find_assignment(work, principal, role, is_group=principal == group.id)
        what, missing = f"{name} under Users and groups", f"not assigned as {role.name} ({role.id})"
        checks.append(_check(what, there is not None, f"assigned as {role.name}", missing))
    return checks


def _confirmed(work: Work) -> list[Check]:
    """What is not read back. Of what no API shows all that is known is who said so."""
    checks = []
    for step in (SetupStep.SELF_SERVICE_GROUPS, SetupStep.SINGLE_SIGN_ON, SetupStep.SELF_SERVICE_ACCESS):
        record = work.setup.steps[step]
        if record.task is not None and record.confirmation is not None:
            said = f"{record.confirmation.name} confirmed it on {record.confirmation.at:%Y-%m-%d}"
            checks.append(Check(record.task.title, CheckState.OK, said))
    made = work.setup.steps[SetupStep.SELF_SERVICE_ACCESS]
    if work.plan.self_service is SelfService.ACCESS_PACKAGE and made.notes:
        checks.append(Check("Access package", CheckState.OK, "; ".join(made.notes)))
    return checks


def _check(what: str, good: bool, as_asked: str, otherwise: str) -> Check:
    return Check(what, CheckState.OK if good else CheckState.WRONG, as_asked if good else otherwise)
