"""The people who are responsible for the app: owners of its group."""

from shared.membership.model.apps import Change, Kind
from shared.setup.model.records import Found
from shared.setup.run import Result, Work
from shared.setup.steps.group import require_group


async def add_owners(work: Work) -> Result:
    """Make each person who was named an owner of the group; others stay as they are."""
    people = await work.find_people(work.plan.owners, "owners")
    if work.dry and work.found.group is None:
        for person in people:
            work.would(f"make {person.name} an owner of the new group")
        return Result(found=Found(owners=tuple(people)))
    group, directory = work.require_group(), work.tools.directory
    await require_group(work, group.id, people)
    facts = await work.tools.groups.read_group(group.id)
    missing = [p for p in people if p.id not in facts.owners]
    if work.dry:
        for person in missing:
            work.would(f"make {person.name} an owner of '{group.name}'")
        return Result(found=Found(owners=tuple(people)))
    before = {p.id for p in people if work.was_intended(p.id)}
    await work.intend(*(p.id for p in missing))
    made = []
    for person in people:
        ours = person.id in before
        if person in missing:
            ours = await directory.add_owner(group.id, person.id) or ours
        if ours:
            made.append(person)
    return Result(
        changes=tuple(Change(Kind.OWNER, p.id, f"{p.name} made an owner of '{group.name}'") for p in made),
        found=Found(owners=tuple(people)),
    )
