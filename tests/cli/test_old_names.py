"""Commands by their old names: done all the same, with a word on what they are called now."""

import pytest
import typer.main
from typer.core import TyperGroup

from cli.main import app
from cli.old_names import NOTE, NOUNS, VERBS, present
from tests.cli.api_server import ApiServer
from tests.cli.conftest import Run

VERBS_OF = {
    "app": ("list", "show"),
    "audit": ("run", "apply", "change-log"),
    "doctor": (),
    "import": ("create", "list", "show", "undo"),
    "invitation": ("create", "list"),
    "setup": ("create", "show"),
}
NAMES = {
    "invite ada@fabrikam.com --app Travel": "invitation create ada@fabrikam.com --app Travel",
    "invitations --app Travel": "invitation list --app Travel",
    "invitations": "invitation list",
    "import guests.csv --app Travel": "import create guests.csv --app Travel",
    "import --app Travel guests.csv": "import create --app Travel guests.csv",
    "imports": "import list",
    "imports --app Travel": "import list --app Travel",
    "imports show 1 --app Travel": "import show 1 --app Travel",
    "apps": "app list",
    "apps --json": "app list --json",
    "apps show 1": "app show 1",
    "setup --app-name Travel": "setup create --app-name Travel",
    "setup start --app-name Travel": "setup create --app-name Travel",
    "audit put-right 1": "audit apply 1",
    "audit trail --output x.csv": "audit change-log --output x.csv",
}
PRESENT = (
    *("import list", "import show 1", "import create guests.csv", "import", "import --help", "import -h"),
    *(
        "setup show 1",
        "setup",
        "setup --help",
        "app list",
        "invitation create",
        "audit run",
        "doctor",
        "doctor --json",
    ),
)


@pytest.mark.parametrize(("old", "new"), NAMES.items())
def test_an_old_name_is_the_present_one(old: str, new: str) -> None:
    assert present(old.split(), VERBS_OF) == new.split()


@pytest.mark.parametrize("line", PRESENT)
def test_a_present_name_stays(line: str) -> None:
    assert present(line.split(), VERBS_OF) == line.split()


def test_every_old_name_is_among_these_and_every_new_one_is_a_command() -> None:
    nouns = {line.split()[0] for line in NAMES}
    assert nouns == NOUNS.keys() | {noun for noun, _ in VERBS}
    groups = typer.main.get_group(app).commands
    for noun, verb in [*NOUNS.values(), *((noun, verb) for (noun, _), verb in VERBS.items())]:
        group = groups[noun]
        assert isinstance(group, TyperGroup)
        assert verb in group.commands


@pytest.mark.parametrize(("words", "notes"), [(("apps",), 1), (("apps", "list"), 1), (("app", "list"), 0)])
def test_the_word_goes_to_standard_error(guestlist: Run, api: ApiServer, words: tuple[str, ...], notes: int) -> None:
    api.on("GET /api/apps", {"value": []})

    found = guestlist("--json", *words)

    assert (found.exit_code, found.stderr.count(NOTE)) == (0, notes)
    assert found.stdout.strip() == '{\n  "value": []\n}'
