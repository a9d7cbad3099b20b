"""What the threat model claims is held by a test that is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "docs" / "explanation" / "threat-model.md"
TABLE = MODEL.read_text(encoding="utf-8").rpartition("## Threats, what holds them, and the tests")[2]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith("| threat ")]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_threat_names_a_test() -> None:
    assert len(ROWS) > 30
    assert [row for row in ROWS if not NAMED.search(row)] == []


@pytest.mark.parametrize(("file", "name"), NAMED.findall(TABLE), ids=lambda part: str(part).rpartition("/")[2])
def test_a_test_that_the_threat_model_names_is_there(file: str, name: str) -> None:
    assert (ROOT / file).is_file(), file
    assert name in names_in(ROOT / file)


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", [MODEL, ROOT / "SECURITY.md"], ids=lambda path: path.stem)
def test_its_links_lead_somewhere(document: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([\w-]+))?\)", document.read_text(encoding="utf-8")):
        if path.startswith("https://"):
            continue
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, (path, anchor)
