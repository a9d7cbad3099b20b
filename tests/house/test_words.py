"""Names and documents use the field's words: what another project would call the same thing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = [path for room in ("shared", "functions", "cli") for path in sorted((ROOT / room).rglob("*.py"))]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]

ODD_NAMES = (
    "begin_to_tell by_hand belief beliefs believe carry_over examination examine glance hope hoped judge judging "
    "lacks look_again mend mended mending mends mirror now_and_then pulse put_right recall recalling revive revived "
    "roster rosters set_going stillness take_apart tellable tend tends tidied tidy told torn trail whom wish"
)
ODD_NAME = re.compile(rf"(?:^|_)(?:{'|'.join(ODD_NAMES.split())})(?:_|$)")
STORED = {
    "is_tidied": "a field of the records of audits",
    "is_torn": "a field of the position of audits",
    "told_at": "a field of the digests of join requests",
}
PUBLISHED = {
    "audit_now_and_then": "a function's name in Azure: its timer is stored by it",
}
ODD_TEXTS = re.compile(
    r"\b(?:puts? (?:\w+ )?right|tak(?:es?|en|ing) (?:\w+ ){0,2}apart|sets? (?:it|them) going|stands? still"
    r"|anew|mends?|mended|hoped for|is told of|tells of its|tend|glance|whom)\b",
    re.IGNORECASE,
)
STORED_TEXTS = r"\bwhom it (?:is about|was done to)"
"""Roles of a person in a record, which rows of subject requests have counted."""


def names_of(path: Path) -> Iterator[str]:
    """Its module's, and those of its classes, functions, arguments, fields and variables."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def is_odd(name: str) -> bool:
    return ODD_NAME.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()) is not None


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_names_are_words_of_the_field(path: Path) -> None:
    assert {name for name in names_of(path) if is_odd(name)} <= STORED.keys() | PUBLISHED.keys()


def test_every_exception_is_needed() -> None:
    names = {name for path in CODE for name in names_of(path)}

    assert STORED.keys() | PUBLISHED.keys() <= names
    assert all(is_odd(name) for name in STORED.keys() | PUBLISHED.keys())


@pytest.mark.parametrize("name", ["TendImport", "put_right", "_told", "GroupWish", "MIRROR", "whom"])
def test_an_odd_name_is_found(name: str) -> None:
    assert is_odd(name)


@pytest.mark.parametrize("name", ["attend", "extended", "Pretender", "retold_story_", "ApplyRemedies"])
def test_a_word_within_another_is_not(name: str) -> None:
    assert not is_odd(name)


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_texts_are_words_of_the_field(path: Path) -> None:
    """But for what stands as code: names that are stored or published."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(), flags=re.DOTALL)

    assert not ODD_TEXTS.findall(text)


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_docstrings_and_comments_are_words_of_the_field(path: Path) -> None:
    text = re.sub(rf"`[^`\n]*`|{STORED_TEXTS}", "", path.read_text())

    assert not ODD_TEXTS.findall(text)


ENTRY = re.compile(r"^\| (?P<word>[^|]+) \| [^|]+ \| `(?P<path>[^`]+\.py)` `(?P<name>\w+)` \|$", re.MULTILINE)


def test_the_glossary_has_each_word_once_with_the_module_that_defines_it() -> None:
    text = (ROOT / "docs" / "reference" / "glossary.md").read_text()
    entries = [match.groupdict() for match in ENTRY.finditer(text)]
    words = [entry["word"].lower() for entry in entries]

    assert len(entries) == sum(line.startswith("| ") for line in text.splitlines()) - 1, "a line is no entry"
    assert words == sorted(words, key=lambda word: word.partition(" (")[0])
    assert len(words) == len(set(words))
    assert [e for e in entries if e["name"] not in defined_in(ROOT / e["path"])] == []


def defined_in(path: Path) -> set[str]:
    """Classes, functions and constants of a module; none where there is no such file."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body if path.is_file() else ():
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return found
