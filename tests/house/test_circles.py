"""No import circle anywhere: no module needs itself, through whatever others.

Imports inside functions and under TYPE_CHECKING count as well: a circle that is put off is still one, and whoever
reads one of its modules has to read all of them. `from package import module` needs that module and not what else the
package offers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("bench", "build_tools", "cli", "docs", "functions", "infra", "local", "shared", "tests")


def test_no_module_needs_itself() -> None:
    files = [*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    sources = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in files}

    assert len(sources) > 500
    assert circle(sources) == []


@pytest.mark.parametrize(
    "sources",
    [
        {"a/x.py": "from a.y import f", "a/y.py": "import a.z", "a/z.py": "from .x import g"},
        {"a/x.py": "def f():\n    from a import y", "a/y.py": "if TYPE_CHECKING:\n    from .x import f"},
        {"a/__init__.py": "from a.x import f", "a/x.py": "from a import g"},
        {"a/__init__.py": "from .b import f", "a/b/__init__.py": "from .c import f", "a/b/c.py": "from .. import g"},
    ],
)
def test_a_circle_is_found_however_it_is_written(sources: dict[str, str]) -> None:
    planted = {Path(name): source for name, source in sources.items()}

    assert set(circle(planted)) == {_module(path) for path in planted}
    assert circle(dict(list(planted.items())[1:])) == []


def circle(sources: dict[Path, str]) -> list[str]:
    """The modules of one circle, each before the one that it needs; empty where there is none."""
    modules = {_module(path): (path, source) for path, source in sources.items()}
    graph = {name: set(_needed(path, source, set(modules))) - {name} for name, (path, source) in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _needed(path: Path, source: str, modules: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from modules & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.parts[: len(path.parts) - node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield from modules & {f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base}


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")
