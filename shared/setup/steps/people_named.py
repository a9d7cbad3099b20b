"""People by the names that a plan gives them."""

from collections.abc import Sequence

from shared.core.errors import Refused
from shared.core.reasons import Reason
from shared.core.users import DirectoryUser
from shared.setup.run import Work


async def find_people(work: Work, names: Sequence[str], field: str) -> list[DirectoryUser]:
    """The people of these names, each once.

    Raises:
        Refused: `person-missing`, `owner-is-guest`, `owner-disabled`, naming whom.
    """
    found: dict[str, DirectoryUser] = {}
    for name, person in zip(names, await work.tools.directory.find_people(names), strict=True):
        if person is None:
            raise Refused(Reason.PERSON_MISSING, f"'{name}'", field=field)
        if person.is_guest:
            raise Refused(Reason.OWNER_IS_GUEST, f"{person.name} ('{name}') is a guest", field=field)
        if not person.enabled:
            raise Refused(Reason.OWNER_DISABLED, f"{person.name} ('{name}')", field=field)
        found[person.id] = person
    return list(found.values())
