"""What the documents say is what the code does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.queues.names import QUEUES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["states.md", "reasons.md"])
def test_tables_in_the_docs_are_those_of_the_code(name: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, 'docs'); import make_tables; print(make_tables.TABLES['{name}'](), end='')"
    )

    drawn = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (ROOT / "docs" / name).read_text() == drawn.stdout


def test_every_setting_that_the_code_reads_is_documented_and_the_other_way_round() -> None:
    read = set()
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                read |= set(re.findall(r"^%?(GUESTLIST_[A-Z_]+)%?$", node.value))

    documented = set(re.findall(r"`(GUESTLIST_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text()))

    assert read == documented


def test_each_queue_of_the_outbox_has_its_trigger_and_its_poison_handler() -> None:
    listened = set()
    for path in (ROOT / "functions").glob("*.py"):
        listened |= set(re.findall(r'queue_name="([a-z-]+)"', path.read_text()))

    assert listened == {name for queue in QUEUES.values() for name in (queue, f"{queue}-poison")}
