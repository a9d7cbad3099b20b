"""First phase: what the directory says, taken over into the snapshot page by page. Second phase: what Guestlist did,
and what an audit has to look for because no change tells of it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import Audit, Finding, Phase, Task
from shared.audits.model.rules import stuck
from shared.core.audit_rules import Rule
from shared.core.directory import LinkExpired
from shared.core.features import Feature
from shared.core.ids import AuditId, ChunkId, GroupId, UserId
from shared.core.records import StuckWork
from shared.invitations.model.invitations import Invitation, State
from shared.invitations.sweep import what_waits
from shared.membership.model.accounts import ExpectedMembership
from shared.membership.ports import OwnAction

USERS, MEMBERS = "users", "members-"
PAST, OVERDUE, TWINS = "past-", "overdue", "twins"
_HOLDS = (State.MEMBER, State.MAILED)
_PAGE = 1000
PAGES = 10
"""Pages that one message reads before it writes down how far it got."""


def reading_tasks(audit: Audit, users: str | None) -> list[Task]:
    """One for the accounts, one for each set of groups."""
    sets = [Task(Phase.READING, f"{MEMBERS}{n}", cursor=s.link) for n, s in enumerate(audit.sets)]
    return [Task(Phase.READING, USERS, cursor=users), *sets]


async def read(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Read on; gives the task with where it got to. Safe to repeat."""
    for _ in range(PAGES):
        try:
            task = await (_users if task.name == USERS else _members)(tools, audit, task)
        except LinkExpired:
            if task.cursor is None:
                raise
            return replace(task, cursor=None, restarted=True)
        if task.done:
            break
    return task


async def _users(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    page = await tools.changes.users(task.cursor)
    # A whole reading of a large organization would fill the snapshot with its employees.
    is_whole = audit.users_since is None or task.restarted
    wanted = [c for c in page.changes if c.facts.get("is_guest") or c.gone or not is_whole]
    await tools.snapshot.note_users(audit.id, wanted)
    if not (is_whole or audit.full):
        await tools.snapshot.touch(audit.id, [c.id for c in wanted])
    return replace(task, cursor=page.link, done=page.ends)


async def _members(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    groups = audit.sets[int(task.name.removeprefix(MEMBERS))].groups
    page = await tools.changes.members(groups, task.cursor)
    await tools.snapshot.note_members(audit.id, page.changes)
    if not (audit.users_since is None or task.restarted or audit.full):  # Else all are judged.
        await tools.snapshot.touch(audit.id, [c.member for c in page.changes])
    return replace(task, cursor=page.link, done=page.ends)


def after_reading(audit: Audit, tasks: dict[str, Task]) -> Audit:
    """The audit with what is known now of the tokens that were followed. All is judged where a token had expired, or
    accounts were read for the first time: who is gone shows by not being seen."""
    users = tasks[USERS]
    is_whole = users.restarted or audit.users_since is None
    restarted = [tasks[f"{MEMBERS}{n}"].restarted for n in range(len(audit.sets))]
    sets = tuple(
        replace(s, link=tasks[f"{MEMBERS}{n}"].cursor, since=audit.id if restarted[n] or s.since is None else s.since)
        for n, s in enumerate(audit.sets)
    )
    users_since = audit.id if is_whole else audit.users_since
    return replace(audit, full=audit.full or is_whole or any(restarted), sets=sets, users_since=users_since)


def history_tasks(audit: Audit, groups: list[GroupId]) -> list[Task]:
    """One for each group; one for what became due. A whole audit also looks for addresses that accounts share; else
    those of the changed ones are looked up when they are judged."""
    tasks = [Task(Phase.LOADING_HISTORY, f"{PAST}{group}") for group in groups]
    tasks.append(Task(Phase.LOADING_HISTORY, OVERDUE))
    return [*tasks, Task(Phase.LOADING_HISTORY, TWINS)] if audit.full else tasks


async def load_history(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Go on with a task; gives it with where it got to. Safe to repeat."""
    if task.name == OVERDUE:
        return await _overdue(tools, audit, task)
    if task.name == TWINS:
        return await _twins(tools, audit, task)
    group = GroupId(task.name.removeprefix(PAST))
    since = None if audit.full else audit.read_from  # A whole audit reads everything that Guestlist ever did.
    page = await tools.history.changed(group, since, task.cursor, _PAGE)
    own_actions = [found for invitation in page.invitations if (found := _own_action(invitation)) is not None]
    await tools.snapshot.record_actions(audit.id, own_actions)
    await _touch(tools, audit, [d.user for d in own_actions])
    await tools.write_found(audit, await _stuck(tools, audit, page.invitations))
    if page.continuation is None:
        await _last_days(tools, audit, group)
    return replace(task, cursor=page.continuation, done=page.continuation is None)


def _own_action(invitation: Invitation) -> OwnAction | None:
    """What failed promises nothing; nor does what was taken back from somebody who had been a member before."""
    user, group, key = invitation.user_id, invitation.id.group, invitation.address.key
    if user is None or invitation.state is State.FAILED:
        return None
    if not invitation.is_final:
        return OwnAction(user, group, None, key)
    if invitation.state in _HOLDS:
        return OwnAction(user, group, ExpectedMembership(True, invitation.updated_at, str(invitation.id)), key)
    if invitation.state is State.UNDONE and not invitation.already_member:
        return OwnAction(user, group, ExpectedMembership(False, invitation.updated_at, str(invitation.id)), key)
    return None


async def _stuck(tools: AuditDependencies, audit: Audit, invitations: Sequence[Invitation]) -> list[Finding]:
    """Those of a group that nothing has moved for too long; what they wait for is sent again."""
    before = audit.started_at - tools.settings.stuck_after
    still = [i for i in invitations if not i.is_final and i.updated_at < before]
    by_chunk: dict[ChunkId, list[Invitation]] = defaultdict(list)
    for invitation in still:
        by_chunk[invitation.id.chunk].append(invitation)
    for chunk, rows in by_chunk.items():
        for command in what_waits(rows[0].id.group, chunk, rows):
            await tools.outbox.send(command)
    return [stuck(_work(invitation), audit.started_at, invitation.app_name) for invitation in still]


def _work(of: Invitation) -> StuckWork:
    name = of.display_name or of.address.text
    return StuckWork("Invitation", str(of.id), name, of.state.value, of.updated_at, of.id.group, of.address.wire)


async def _last_days(tools: AuditDependencies, audit: Audit, group: GroupId) -> None:
    """Memberships whose last day is over."""
    over = await tools.history.last_days_before(group, audit.started_at.date())
    who = await tools.snapshot.who_has(over)
    days = {user: over[digest] for digest, users in who.items() for user in users}
    await tools.snapshot.mark_last_days(audit.id, group, days)
    await _touch(tools, audit, days)


async def _overdue(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    """Who should have accepted by now, who has not signed in for long, and everybody the last audit found."""
    await _touch(tools, audit, await tools.snapshot.read_due(audit.started_at))
    if tools.features.has(Feature.SIGN_INS):
        await _inactive(tools, audit)
    if audit.before is not None and not audit.full:
        await _found_before(tools, audit, audit.before)
    return replace(task, done=True)


async def _inactive(tools: AuditDependencies, audit: Audit) -> None:
    inactive = await tools.changes.inactive_guests(audit.started_at - tools.settings.sign_in_within)
    if inactive is None:
        name, detail = "Sign-ins of guests", "permission or licence do not let them be read"
        found = Finding(Rule.SIGN_IN_UNKNOWN, "tenant", None, None, name, detail, audit.started_at)
        await tools.write_found(audit, [found])
        return
    await tools.snapshot.mark_inactive(audit.id, inactive)
    await _touch(tools, audit, inactive)


async def _touch(tools: AuditDependencies, audit: Audit, users: Collection[UserId]) -> None:
    if not audit.full:  # Else all are looked at.
        await tools.snapshot.touch(audit.id, users)


async def _found_before(tools: AuditDependencies, audit: Audit, before: AuditId) -> None:
    few: list[UserId] = []
    async for finding in tools.audits.all_findings(before):
        few.append(UserId(finding.subject))
        if len(few) == _PAGE:
            await _touch(tools, audit, few)
            few.clear()
    await _touch(tools, audit, few)


async def _twins(tools: AuditDependencies, audit: Audit, task: Task) -> Task:
    shared, after = await tools.snapshot.shared_addresses(task.cursor, 10 * _PAGE)
    twins: dict[UserId, set[UserId]] = defaultdict(set)
    for users in shared:
        for user in users:
            twins[user] |= users - {user}
    await tools.snapshot.mark_twins(audit.id, twins)
    return replace(task, cursor=after, done=after is None)
