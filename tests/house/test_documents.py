"""What the documents say is what the code does."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.core.features import PERMISSIONS
from shared.messages.registry import MESSAGES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name", ["access.md", "states.md", "reasons.md", "setup-steps.md", "permissions.md", "audit-rules.md"]
)
def test_tables_in_the_docs_are_those_of_the_code(name: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, 'docs'); import make_tables; print(make_tables.TABLES['{name}'](), end='')"
    )

    drawn = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (ROOT / "docs" / name).read_text() == drawn.stdout


@pytest.mark.parametrize("name", ["infra/permissions.json", "infra/permissions-in-words.json"])
def test_tables_for_the_templates_are_those_of_the_code(name: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, 'docs'); import make_tables; print(make_tables.DATA['{name}'](), end='')"
    )

    drawn = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (ROOT / name).read_text() == drawn.stdout


def test_what_a_refusal_asks_an_administrator_to_grant_is_in_the_table_of_permissions() -> None:
    named = set()
    for path in [p for folder in ("graph", "mail", "storage") for p in (ROOT / "shared" / folder).rglob("*.py")]:
        named |= set(
            re.findall(r"\b[A-Z][A-Za-z]+\.(?:Read|ReadWrite|Invite|Send|[A-Z]\w+)\.All\b", path.read_text())
        )

    assert named <= {p.name for p in PERMISSIONS}


def test_every_setting_that_the_code_reads_is_documented_and_the_other_way_round() -> None:
    read = set()
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                read |= set(re.findall(r"^%?(GUESTLIST_[A-Z_]+)%?$", node.value))

    documented = set(re.findall(r"`(GUESTLIST_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text()))

    assert read == documented


def test_each_queue_of_the_outbox_has_its_trigger_and_no_other_queue_has_one() -> None:
    program = (
        "import json, function_app\n"
        "bindings = [b for f in function_app.app.get_functions() for b in f.get_bindings()]\n"
        "print(json.dumps([b.queue_name for b in bindings if b.type == 'queueTrigger']))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert sorted(json.loads(found.stdout)) == sorted(MESSAGES.queues)


LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")
ROOMS = ("docs", "infra", "local", "portal")
PAGES = [
    *ROOT.glob("*.md"),
    *(p for room in ROOMS for p in (ROOT / room).rglob("*.md") if "node_modules" not in p.parts),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_of_a_page_lead_to_what_exists(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def test_code_that_a_page_names_exists() -> None:
    """ADRs aside, which tell what was."""
    named = re.compile(r"`((?:shared|functions|cli|tests|infra|local)/[\w./-]+\.(?:py|json|txt|md))(?:::\w+)?`")
    pages = [p for p in PAGES if "adr" not in p.parts and p.name != "CHANGELOG.md"]
    paths = [(page.name, path) for page in pages for path in named.findall(page.read_text())]

    assert paths
    assert [(page, path) for page, path in paths if not (ROOT / path).exists()] == []
