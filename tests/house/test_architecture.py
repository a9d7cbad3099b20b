"""The walks of docs/explanation/architecture.md lead through files and names that exist, and few of them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
SECTIONS = {text.partition("\n")[0]: text for text in DOCUMENT.split("\n## ")[1:]}
WALKS = {
    "One invitation over HTTP, until the guest is a member": 15,
    "One CSV row, until the guest is a member": 18,
    "One audit finding, with its remedy": 20,
}
"""The most files that a reader opens."""
STOP = re.compile(r"^(?:\d+\.|-) `([^`]+\.py)`((?: `[\w.]+`)+):", re.MULTILINE)


def stops(section: str) -> list[tuple[str, list[str]]]:
    """The files of a section, each with the names that run there."""
    return [(path, re.findall(r"`([\w.]+)`", names)) for path, names in STOP.findall(SECTIONS[section])]


def names_of(path: str) -> set[str]:
    """What a module defines: `name`, and `Class.method`."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        match node:
            case ast.ClassDef(name=name, body=body):
                methods = [each for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                found |= {name, *(f"{name}.{method.name}" for method in methods)}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return found


@pytest.mark.parametrize("section", [*WALKS, "What every walk goes through"])
def test_every_file_and_name_of_a_walk_exists(section: str) -> None:
    lines = re.findall(r"^(?:\d+\.|-) ", SECTIONS[section], re.MULTILINE)

    assert len(stops(section)) == len(lines) > 0, "each line names a file and what runs there"
    assert [path for path, _ in stops(section) if not (ROOT / path).is_file()] == []
    assert [(path, n) for path, names in stops(section) for n in names if n not in names_of(path)] == []


@pytest.mark.parametrize(("section", "most"), WALKS.items())
def test_a_walk_opens_few_files_and_each_once(section: str, most: int) -> None:
    files = [path for path, _ in stops(section)]

    assert len(files) == len(set(files)) <= most


def test_the_folders_of_the_layout_are_those_of_shared() -> None:
    named = set(re.findall(r"`shared/(\w+)/`", SECTIONS["Layout"]))

    assert named == {p.name for p in (ROOT / "shared").iterdir() if p.is_dir() and any(p.rglob("*.py"))}


EXAMPLE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_examples_in_the_guide_for_contributors_are_lines_of_the_code() -> None:
    examples = EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text())

    assert len(examples) >= 4
    for path, lines in examples:
        assert [line for line in lines.splitlines() if line not in (ROOT / path).read_text().splitlines()] == []
