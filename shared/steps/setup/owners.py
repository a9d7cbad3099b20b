"""The people who are responsible for the app: owners of its group."""

from collections.abc import Sequence

from shared.domain.errors import Refused
from shared.domain.reasons import Reason
from shared.domain.setup.records import Change, Found, Kind, Person
from shared.steps.setup.work import Result, Work


async def add_owners(work: Work) -> Result:
    """Make each person who was named an owner of the group; others stay as they are."""
    people = await find_people(work, work.plan.owners, "owners")
    if work.dry and work.found.group is None:
        for person in people:
            work.would(f"make {person.name} an owner of the new group")
        return Result(found=Found(owners=tuple(people)))
    group, directory = work.need_group(), work.tools.directory
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


async def find_people(work: Work, names: Sequence[str], field: str) -> list[Person]:
    """The people of these names, each once.

    Raises:
        Refused: `person-missing`, `owner-is-guest`, `owner-disabled`, naming whom.
    """
    found: dict[str, Person] = {}
    for name, person in zip(names, await work.tools.directory.find_people(names), strict=True):
        if person is None:
            raise Refused(Reason.PERSON_MISSING, f"'{name}'", field=field)
        if person.is_guest:
            raise Refused(Reason.OWNER_IS_GUEST, f"{person.name} ('{name}') is a guest", field=field)
        if not person.enabled:
            raise Refused(Reason.OWNER_DISABLED, f"{person.name} ('{name}')", field=field)
        found[person.id] = person
    return list(found.values())
