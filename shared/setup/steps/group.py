"""The group whose members get into the app: an existing one, or a security group with assigned membership. Its
owners, who are responsible for the app, and the roles of both on the app, which its 'Users and groups' shows."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from shared.core.directory import AppRole, DirectoryUser, choose_role, refusal
from shared.core.errors import DirectoryLagging, Refused
from shared.core.ids import GroupId
from shared.core.reasons import REASONS, Reason
from shared.membership.model.apps import Change, Kind
from shared.messages.commands import SetupStep
from shared.setup.model import Found, FoundGroup
from shared.setup.run import Result, Work

_NAME_LIMIT = 256
"""Characters of a group's display name. Source: Microsoft Graph, group, ``displayName``."""


def group_key(app_id: str) -> str:
    """The alternate key (``uniqueName``) of the group that Guestlist makes for an app. With it Graph itself
    refuses a second one, whoever asks at the same time (graph contract "More operations")."""
    return f"guestlist-{app_id}"


async def make_group(work: Work) -> Result:
    """Take the group that was named, or make the app's own."""
    spec = work.plan.group
    if spec.id is not None:
        owners = await work.find_people(work.plan.owners, "owners")
        return Result(found=Found(group=await require_group(work, spec.id, owners)))
    if work.found.app is None and work.would("create a security group for the new app"):
        return Result()
    app, directory = work.require_app(), work.tools.directory
    key, intent = group_key(app.app_id), "group"
    name = (spec.name or f"{app.name} guests")[:_NAME_LIMIT]
    was_intended = work.was_intended(intent)
    group, made = await directory.find_group(key), False
    if group is None:
        if work.would(f"create the security group '{name}' with assigned membership"):
            return Result()
        await work.intend(intent)
        description = spec.description or f"Guests who may use {app.name}. Made by Guestlist."
        group, made = await directory.create_group(key, name, description)
    found = await _checked(work, group)
    notes = (f"The group is there already and is called '{found.name}'",) if found.name != name else ()
    # Found after a delivery that was about to make it: that one made it and did not live to write it down.
    changes = (Change(Kind.GROUP, group, f"group '{found.name}' created"),) if made or was_intended else ()
    return Result(changes=changes, notes=notes, found=Found(group=found))


async def add_owners(work: Work) -> Result:
    """Make each person who was named an owner of the group; others stay as they are."""
    people = await work.find_people(work.plan.owners, "owners")
    found = Found(owners=tuple(people))
    if work.found.group is None and work.would(*(f"make {p.name} an owner of the new group" for p in people)):
        return Result(found=found)
    group, directory = work.require_group(), work.tools.directory
    await require_group(work, group.id, people)
    facts = await work.tools.groups.read_group(group.id)
    missing = [p for p in people if p.id not in facts.owners]
    if work.would(*(f"make {p.name} an owner of '{group.name}'" for p in missing)):
        return Result(found=found)
    before = {p.id for p in people if work.was_intended(p.id)}
    await work.intend(*(p.id for p in missing))
    made = []
    for person in people:
        ours = person.id in before
        if person in missing:
            ours = await directory.add_owner(group.id, person.id) or ours
        if ours:
            made.append(person)
    changes = tuple(Change(Kind.OWNER, p.id, f"{p.name} made an owner of '{group.name}'") for p in made)
    return Result(changes=changes, found=found)


async def assign_group(work: Work) -> Result:
    """Give the group its role on the app."""
    group = work.found.group
    if group is not None and work.plan.group.id is not None:
        await require_group(work, group.id, await work.find_people(work.plan.owners, "owners"))
    if group is None:
        work.would("assign the new group to the app")
    named = {str(group.id): f"the group '{group.name}'"} if group else {}
    return await _assign(work, named, is_group=True)


async def assign_owners(work: Work) -> Result:
    """Give each owner the same role, so that the app shows in their Access Panel."""
    return await _assign(work, {p.id: p.name for p in work.found.owners}, is_group=False)


async def _assign(work: Work, named: Mapping[str, str], *, is_group: bool) -> Result:
    """Give the role to principals, by their ids; `named` says how a person calls each."""
    if work.found.app is None and work.would(*(f"assign {name} to the new app" for name in named.values())):
        return Result()
    app, directory = await work.read_app(), work.tools.directory
    role = choose_role(app, work.plan.app_role)
    changes = []
    for principal, name in named.items():
        there = await find_assignment(work, principal, role, is_group=is_group)
        if there is None and work.would(f"assign {name} to '{app.name}' as {role.name}"):
            continue
        intent = f"{principal}/{role.id}"
        ours = work.was_intended(intent)
        if there is None:
            await work.intend(intent)
            there = await directory.assign(app.service_principal, principal, role.id)
            ours = ours or there is not None
            # Somebody else was quicker: it is there all the same.
            there = there or await find_assignment(work, principal, role, is_group=is_group)
        if ours:
            changes.append(Change(Kind.ASSIGNMENT, there or "", f"{name} assigned to '{app.name}' as {role.name}"))
    return Result(changes=tuple(changes), found=Found(role=role))


async def find_assignment(work: Work, principal: str, role: AppRole, *, is_group: bool) -> str | None:
    found = await work.tools.directory.assignments_of(principal, is_group=is_group)
    resource = work.require_app().service_principal
    return next((a.id for a in found if a.resource == resource and a.role == role.id), None)


async def require_group(work: Work, group: GroupId, owners: Collection[DirectoryUser]) -> FoundGroup:
    """The group, looked at again before anything is done with it: one that somebody else uses is left alone, where
    Guestlist neither made it nor has set the app up with it before. Raises Refused: what makes it unfit for guests,
    `group-not-offered`, `group-of-another`."""
    found = await _checked(work, group)
    if work.plan.group.id is None:
        return found
    app = work.found.app
    if work.step is SetupStep.GROUP:
        kept = await work.tools.store.read_app(app.app_id) if app else None
        known = kept is not None and kept.value.group == group and kept.value.setup != work.setup.id
    else:
        known = work.found.group is not None and work.found.group.known
    if known:
        return replace(found, known=True)
    if not work.plan.group.take_over:
        raise Refused(Reason.GROUP_NOT_OFFERED, f"'{found.name}'", field="group.takeOver")
    facts = await work.tools.groups.read_group(group)
    if facts.owners - {p.id for p in owners}:
        raise Refused(Reason.GROUP_OF_ANOTHER, f"'{found.name}' has owners who are not named", field="group.id")
    held = await work.tools.directory.assignments_of(group, is_group=True)
    if any(app is None or a.resource != app.service_principal for a in held):
        raise Refused(Reason.GROUP_OF_ANOTHER, f"'{found.name}' opens another app", field="group.id")
    return found


async def _checked(work: Work, group: GroupId) -> FoundGroup:
    try:
        facts = await work.tools.groups.read_group(group)
    except Refused as e:
        # One that was made just now is not seen everywhere at once.
        if e.reason is Reason.GROUP_MISSING and work.plan.group.id is None:
            raise DirectoryLagging("the directory does not show the new group yet") from e
        raise
    reason = refusal(facts)
    if reason is not None:
        raise Refused(reason, f"'{facts.name}': {REASONS[reason].title.lower()}", field="group.id")
    return FoundGroup(facts.id, facts.name)
