"""The graph contract is in the repository, and each section that code, tests and documents cite is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "docs" / "contributing" / "graph-contract.md"
FOLDERS = ("bench", "build_tools", "cli", "docs", "functions", "infra", "local", "shared", "tests")
CITED = re.compile(r'[Gg]raph contract,?((?:[\s#]+"[^"]+",?)+)')
NUMBERED = re.compile(r"\bG[0-6](?:\.\d+)?\b|[Gg]raph contract[\s#]+\d")


def test_each_section_that_is_cited_exists() -> None:
    named = names(CONTRACT.read_text(encoding="utf-8"))
    cited = {(name, path.relative_to(ROOT)) for path in _files() for name in citations(path.read_text("utf-8"))}

    assert {name for name, _ in cited} >= {"Invitations", "Consistency", "Batch", "Deletion without $ref"}
    assert {(name, path) for name, path in cited if name not in named} == set()


def test_no_section_is_cited_by_a_number() -> None:
    assert [path for path in _files() if NUMBERED.search(path.read_text(encoding="utf-8"))] == []


def test_a_citation_is_read_over_the_ends_of_lines() -> None:
    text = '# Lags (graph contract "Invitations",\n    # "Not there"). See the graph contract\n"Other".'

    assert list(citations(text)) == ["Invitations", "Not there", "Other"]
    assert all(NUMBERED.search(text) for text in ("as G1.2 has it", "graph contract 3"))
    assert names("## One\n\n**Two** and **three.**\n\n| Four | five |\n|---|---|\n") == {
        "One",
        "Two",
        "three",
        "Four",
    }


def names(text: str) -> set[str]:
    """Headings, what is set in bold, and the first cell of each row."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    bold = re.findall(r"\*\*([^*]+)\*\*", text)
    cells = re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)
    return {name.rstrip(".:") for name in (*headings, *bold, *cells)}


def citations(text: str) -> Iterator[str]:
    for found in CITED.finditer(text):
        yield from (" ".join(name.replace("#", " ").split()) for name in re.findall(r'"([^"]+)"', found[1]))


def _files() -> list[Path]:
    files = [path for folder in FOLDERS for ext in ("py", "md") for path in (ROOT / folder).rglob(f"*.{ext}")]
    return [path for path in files if path not in (CONTRACT, Path(__file__)) and "node_modules" not in path.parts]
