"""Carries out what an audit planned for an app, some guests at a time; and takes it back.

Each action is written down as begun, with what was before, ahead of its effect: a delivery that finds it so repeats
the effect, which does no harm, but never looks again at whether it is needed. A mail is not repeated.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import (
    CAN_BE_UNDONE,
    OPEN,
    ActionState,
    Done,
    NotNow,
    Plan,
    PlanState,
    Refusal,
    RemedyAction,
    Result,
)
from shared.audits.plan import BY_POLICY
from shared.audits.remedies import Actions, Effects, need_of
from shared.core.audit_rules import Remedy
from shared.core.errors import Conflict, Refused, Unavailable
from shared.core.features import Feature
from shared.core.reasons import REASONS, Reason
from shared.core.records import ChangeLogEntry
from shared.core.versions import Versioned
from shared.core.waits import busy_wait
from shared.membership.access import Access
from shared.membership.model.access import Action
from shared.membership.model.accounts import ExpectedMembership
from shared.membership.model.apps import AppRecord, AppState
from shared.membership.ports import OwnAction
from shared.messages.commands import CHUNK_SIZE, ApplyRemedies
from shared.messages.outcomes import Outcome, later

log = logging.getLogger("guestlist")
_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ApplyRemediesStep:
    tools: AuditDependencies
    effects: Effects
    access: Access

    async def __call__(self, command: ApplyRemedies) -> Outcome:
        """One delivery: the next few actions. Safe to repeat and to run beside itself."""
        tools, now = self.tools, self.tools.clock.now()
        stored = await tools.remedies.read_plan(command.audit, command.app)
        wanted = PlanState.UNDOING if command.back else PlanState.RUNNING
        if stored is None or stored.value.state is not wanted:
            return Outcome(note="nothing to do")
        if not tools.features.has(Feature.REMEDIES):
            return Outcome(note="switched off: the sweeper sends it again when it is on again")
        try:
            if (lost := await self._lost(stored.value)) is not None:
                # What is done stays done; somebody who may has the rest carried out, or taken back.
                state = PlanState.DONE if command.back else PlanState.HELD
                return await self._end(stored, replace(stored.value, state=state, since=now, detail=lost))
            few = await self._next(command)
            if not few:
                state = PlanState.UNDONE if command.back else PlanState.DONE
                return await self._end(stored, replace(stored.value, state=state))
            begun = [a.value.at for a in few if a.value.state is ActionState.STARTED and a.value.at is not None]
            if begun and (busy_until := max(begun) + tools.timing.claim) > now:
                return later(command, busy_until, "another delivery is at work")
            wait = await (self._undo(stored.value, few) if command.back else self._do(stored.value, few, command))
            why = "the directory or the mail service is busy"
        except Unavailable as e:
            wait, why = now + busy_wait(command.attempt, e.retry_after, tools.clock.jitter()), str(e)
        except Conflict:
            return later(command, now + _SOON, "another delivery wrote first")
        if wait is not None:
            await tools.remedies.open((command.audit, command.app), wait + tools.timing.stall_timeout)
            return later(command, wait, why)
        return Outcome(then=(ApplyRemedies(command.audit, command.app, command.back),))

    async def _lost(self, plan: Plan) -> str | None:
        """Why what a person wanted done is not done any more; what policy alone began needs no person."""
        if plan.by == BY_POLICY:
            return None
        try:
            if plan.by_id is None:  # Begun by an older version, which did not keep it.
                raise Refused(Reason.AUTHORITY_LOST, "nobody knows any more who asked for it")
            await self.access.require_role_still(plan.by_id, Action.RUN_AUDITS)
        except Refused as e:
            return f"{REASONS[e.reason].title}: {e.detail}" if e.detail else REASONS[e.reason].title
        return None

    async def _next(self, command: ApplyRemedies) -> Actions:
        """Up to a chunk of one remedy."""
        # What was begun may have had its effect: it is taken back as what is done, which harms nobody else.
        states = (ActionState.DONE, ActionState.STARTED) if command.back else OPEN
        after: str | None = None
        while True:
            few, after = await self.tools.remedies.list_actions(command.audit, command.app, after, CHUNK_SIZE, states)
            if command.back:
                few = [a for a in few if a.value.remedy in CAN_BE_UNDONE]
            if few or after is None:
                return [a for a in few if a.value.remedy is few[0].value.remedy]

    async def _do(self, plan: Plan, few: Actions, command: ApplyRemedies) -> datetime | None:
        """Gives until when to wait, where some could not be done now."""
        tools, now = self.tools, self.tools.clock.now()
        record = await tools.setups.read_app(plan.app)
        if record is None or record.value.state is not AppState.READY:
            spared = [_spared(a, "the app is being removed") for a in few]
            await tools.remedies.save_actions(plan, spared)
            return None
        fresh = [a for a in few if a.value.state is ActionState.PLANNED]
        if command.attempt == 0:  # Else it has waited long enough.
            slot = await self.effects.slot(few[0].value.remedy, len(fresh), now)
            if slot is not None:
                return slot
        started = await self._start(plan, record.value, fresh)
        begun_before = [a for a in few if a.value.state is ActionState.STARTED]
        again = {a.value.id for a in begun_before}
        results = await self.effects.do(
            plan, record.value, [*started, *begun_before], again=again, attempt=command.attempt
        )
        return await self._finish(plan, *results, back=False)

    async def _start(self, plan: Plan, record: AppRecord, fresh: Actions) -> Actions:
        """Write down which of them are begun; who does not need it, or may not be touched, is spared."""
        if not fresh:
            return []
        now = self.tools.clock.now()
        if fresh[0].value.remedy is Remedy.NOTIFY_OWNER:
            needs: Sequence[str | RemedyAction] = [a.value for a in fresh]
        else:
            looks = await self.tools.groups.get_guests([a.value.subject for a in fresh])
            keys = {a.value.address.lower() for a in fresh if a.value.address}
            days = await self.tools.store.read_expiries(plan.group, sorted(keys))
            needs = [need_of(a.value, look, record, days, now) for a, look in zip(fresh, looks, strict=True)]
        changed = [
            _spared(stored, need)
            if isinstance(need, str)
            else replace(stored, value=replace(need, state=ActionState.STARTED, at=now))
            for stored, need in zip(fresh, needs, strict=True)
        ]
        saved = await self.tools.remedies.save_actions(plan, changed)
        return [a for a in saved if a.value.state is ActionState.STARTED]

    async def _undo(self, plan: Plan, few: Actions) -> datetime | None:
        return await self._finish(plan, few, await self.effects.undo(plan, [a.value for a in few]), back=True)

    async def _finish(self, plan: Plan, few: Actions, results: Sequence[Result], *, back: bool) -> datetime | None:
        """Write down what came of actions, or of taking them back."""
        now = self.tools.clock.now()
        ended = [
            (stored, _ended(stored.value, result, back=back)) for stored, result in zip(few, results, strict=True)
        ]
        done = [a for _, a in ended if a.state is (ActionState.UNDONE if back else ActionState.DONE)]
        # The snapshot, too, so that the next audit does not wonder who changed the membership.
        moved = [a for a in done if a.remedy in (Remedy.REMOVE, Remedy.DELETE)]
        own_actions = [OwnAction(a.subject, plan.group, ExpectedMembership(back, now)) for a in moved]
        await self.tools.snapshot.record_actions(plan.audit, own_actions)
        for action in moved:
            if action.expires is not None and action.address:
                # Without a last day: else who is invited again one day would be removed at once.
                last = action.expires if back else None
                await self.tools.store.write_expiry(plan.group, action.address.lower(), last)
        changes = [_entry(plan, a, now, back=back) for a in done if a.remedy is not Remedy.NOTIFY_OWNER]
        await self.tools.change_log.add(changes)
        changed = [replace(stored, value=action) for stored, action in ended if action != stored.value]
        await self.tools.remedies.save_actions(plan, changed)
        return max((result.until for result in results if isinstance(result, NotNow)), default=None)

    async def _end(self, stored: Versioned[Plan], ended: Plan) -> Outcome:
        await self.tools.remedies.save_plan(Versioned(ended, stored.version))
        await self.tools.remedies.close((ended.audit, ended.app))
        log.info("remedies of audit %s for app %s: %s", ended.audit, ended.app, ended.state.value)
        return Outcome(note=ended.state.value)


def _spared(stored: Versioned[RemedyAction], why: str) -> Versioned[RemedyAction]:
    return replace(stored, value=replace(stored.value, state=ActionState.SPARED, detail=why))


def _ended(action: RemedyAction, result: Result, *, back: bool) -> RemedyAction:
    match result:
        case Done(request_id=number) if back:
            return replace(action, state=ActionState.UNDONE, request_id=number)
        case Done(after=after, request_id=number):
            return replace(action, state=ActionState.DONE, after=after, request_id=number)
        case Refusal(detail=detail):
            return replace(action, state=ActionState.FAILED, detail=detail)
        case NotNow(happened=happened) if not back:
            # What may have happened stays begun; what did not is looked at again.
            return replace(action, state=ActionState.STARTED if happened else ActionState.PLANNED)
        case NotNow():
            return action


def _entry(plan: Plan, action: RemedyAction, now: datetime, *, back: bool) -> ChangeLogEntry:
    rule, before, after = f"rule '{action.rule.value}'", action.before or "", action.after or ""
    by_rule = rule if plan.by == BY_POLICY else f"{plan.by}, by {rule}"
    return ChangeLogEntry(
        key=f"{plan.audit}-{action.id}-{'undone' if back else 'done'}",
        at=plan.since if back else action.at or now,
        who=plan.by if back else by_rule,
        what=f"undo-{action.remedy.value}" if back else action.remedy.value,
        subject=action.subject,
        name=action.name,
        group=plan.group,
        app=plan.app,
        before=after if back else before,
        after=before if back else after,
        audit=plan.audit,
        rule=action.rule.value,
        request_id=action.request_id,
    )
