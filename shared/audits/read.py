"""First phase: what the directory says, taken over into the snapshot page by page."""

from dataclasses import replace

from shared.audits.dependencies import AuditDependencies
from shared.audits.model.records import Audit, Phase, Task
from shared.core.directory import LinkExpired

USERS, MEMBERS = "users", "members-"
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
