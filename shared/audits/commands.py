"""Audits as people see them: runs, findings, the report, what is planned, the trail, and an app's policy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import TOTAL, Audit, Finding, FindingFilter, Phase, Plan, PlanState, RemedyAction
from shared.audits.model.report import HISTORY, MAX_FINDINGS, Past, Report
from shared.audits.plan import open_plan
from shared.core.audit_rules import Remedy
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.features import Feature
from shared.core.ids import AppId, AuditId, GroupId
from shared.core.reasons import Reason
from shared.core.records import ChangeLogEntry
from shared.core.versions import Versioned, retry_on_conflict
from shared.core.words import word_of
from shared.membership.access import Access, read_app, require
from shared.membership.model.access import Action
from shared.membership.model.apps import AuditPolicy, wrong_remedies
from shared.messages.commands import ApplyRemedies

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class AuditCommands:
    """All methods raise Refused `not-admin` for who is neither auditor nor administrator, and `audit-missing`;
    an id may be `latest`, the last audit that came to its end."""

    tools: AuditDependencies
    access: Access

    # Looking
    async def list(self, caller: Caller, continuation: str | None, limit: int) -> tuple[list[Audit], str | None]:
        """The newest first. Raises Refused `parameter-invalid` for a continuation never given out."""
        require(caller, Action.READ_AUDITS)
        return await self.tools.audits.list_audits(continuation, limit)

    async def show(self, audit: str, caller: Caller) -> Audit:
        require(caller, Action.READ_AUDITS)
        return await self._audit(audit)

    async def findings(
        self, audit: str, caller: Caller, show: FindingFilter, continuation: str | None, limit: int
    ) -> tuple[Audit, Sequence[Finding], str | None]:
        """The worst first."""
        of = await self.show(audit, caller)
        return of, *await self.tools.audits.list_findings(of.id, show, continuation, limit)

    async def of_group(
        self, group: GroupId, caller: Caller, continuation: str | None, limit: int
    ) -> tuple[AuditId | None, Sequence[Finding], str | None]:
        """What the last audit (None where there was none yet) found in a group, for those who own it. Raises Refused
        `not-owner`, `group-missing`, `parameter-invalid`."""
        await self.access.require(group, caller, Action.READ_GUESTS)
        last = (await self.tools.audits.read_position()).value.last
        if last is None:
            return None, [], None
        return last, *await self.tools.audits.list_findings(last, FindingFilter(group=group), continuation, limit)

    async def report(self, audit: str, caller: Caller) -> Report:
        found, store = await self.show(audit, caller), self.tools.audits
        before, _ = await store.list_audits(None, HISTORY)
        done = [a for a in before if a.phase is Phase.DONE and a.started_at <= found.started_at]
        history = [Past(a, await store.read_totals(a.id, TOTAL)) for a in reversed(done)]
        worst, _ = await store.list_findings(found.id, FindingFilter(), None, MAX_FINDINGS)
        return Report(
            audit=found,
            totals=await store.read_totals(found.id, TOTAL),
            history=history,
            findings=worst,
            apps={a.app_id: a.name for a in await self.tools.setups.list_apps()},
            plans=await self.tools.remedies.list_plans(found.id),
            made_at=self.tools.clock.now(),
        )

    async def change_log(
        self, caller: Caller, continuation: str | None, limit: int
    ) -> tuple[Sequence[ChangeLogEntry], str | None]:
        """The newest first."""
        require(caller, Action.READ_AUDITS)
        return await self.tools.change_log.read(continuation, limit)

    # Remedies
    async def plans(self, audit: str, caller: Caller) -> Sequence[Plan]:
        """What an audit means to do, or has done, in each app."""
        return await self.tools.remedies.list_plans((await self.show(audit, caller)).id)

    async def actions(
        self, audit: str, app: AppId, caller: Caller, continuation: str | None, limit: int
    ) -> tuple[Plan, Sequence[RemedyAction], str | None]:
        """Raises Refused `remedies-missing` where nothing was planned."""
        require(caller, Action.READ_AUDITS)
        plan = (await self._plan(audit, app)).value
        found, after = await self.tools.remedies.list_actions(plan.audit, app, continuation, limit)
        return plan, [a.value for a in found], after

    async def apply(self, audit: str, app: AppId, caller: Caller) -> Plan:
        """Begin what was planned, or held because it would do too much. Safe to repeat. Raises Refused `not-admin`,
        `feature-off`, `remedies-missing`, `remedies-ended`; `remedies-old` where a later audit was done."""
        return await self._move(audit, app, caller, (PlanState.PLANNED, PlanState.HELD), PlanState.RUNNING)

    async def undo(self, audit: str, app: AppId, caller: Caller) -> Plan:
        """Begin to take back what was done. Safe to repeat. Raises Refused `not-admin`, `feature-off`,
        `remedies-missing`, `remedies-ended`."""
        return await self._move(audit, app, caller, (PlanState.DONE, PlanState.RUNNING), PlanState.UNDOING)

    @retry_on_conflict("the plan")
    async def _move(
        self, audit: str, app: AppId, caller: Caller, before: Sequence[PlanState], after: PlanState
    ) -> Plan:
        require(caller, Action.RUN_AUDITS)
        self.tools.features.need(Feature.REMEDIES)
        stored = await self._plan(audit, app)
        plan = stored.value
        if plan.state is not after:
            if plan.state not in before:
                raise Refused(Reason.REMEDIES_ENDED, f"They are '{plan.state.value}'")
            if after is PlanState.RUNNING and plan.audit != (await self.tools.audits.read_position()).value.last:
                raise Refused(Reason.REMEDIES_OLD)
            who = f"{caller.name} ({caller.object_id})"
            now = self.tools.clock.now()
            plan = replace(plan, state=after, since=now, by=who, by_id=caller.object_id, detail=None)
            await open_plan(self.tools, plan)
            await self.tools.remedies.save_plan(Versioned(plan, stored.version))
        await self.tools.outbox.send(ApplyRemedies(plan.audit, app, after is PlanState.UNDOING))
        return plan

    # Policy
    async def policy(self, app: AppId, caller: Caller) -> AuditPolicy:
        """Raises Refused `app-missing`, both where there is none and where the caller may not see it."""
        return (await self.access.require_app(app, caller, Action.READ_APP)).value.audits

    @retry_on_conflict("the app's record")
    async def write_policy(self, app: AppId, policy: AuditPolicy, caller: Caller) -> AuditPolicy:
        """Replace the policy of an app. Safe to repeat. Raises Refused `not-admin`, `app-missing`, `body-invalid`
        naming a remedy that a rule does not know; `feature-off` where it asks for remedies that nobody would carry
        out."""
        require(caller, Action.RUN_AUDITS)
        if wrong := wrong_remedies(policy):
            rule, remedy = wrong[0]
            detail = f"'{word_of(remedy)}' is no remedy for '{rule.value}'"
            raise Refused(Reason.BODY_INVALID, detail, field=f"remedies.{rule.value}")
        if any(remedy is not Remedy.REPORT for remedy in policy.remedies.values()):
            self.tools.features.need(Feature.REMEDIES)
        stored = await read_app(self.tools.setups, app)
        changed = replace(stored.value, audits=policy, updated_at=self.tools.clock.now())
        await self.tools.setups.save_app(Versioned(changed, stored.version))
        return policy

    async def _audit(self, audit: str) -> Audit:
        id_: str | None = audit
        if audit == LATEST:
            id_ = (await self.tools.audits.read_position()).value.last
        stored = await self.tools.audits.read(AuditId(id_)) if id_ else None
        if stored is None:
            raise Refused(Reason.AUDIT_MISSING)
        return stored.value

    async def _plan(self, audit: str, app: AppId) -> Versioned[Plan]:
        stored = await self.tools.remedies.read_plan((await self._audit(audit)).id, app)
        if stored is None:
            raise Refused(Reason.REMEDIES_MISSING)
        return stored
