"""One name, one thing: a record, and the schema that it is answered in, may share theirs; nothing else does."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def often(files: Iterable[Path]) -> dict[str, list[str]]:
    """Names of classes that stand more than twice, with the files that have them."""
    found = defaultdict(list)
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(file.name)
    return {name: places for name, places in found.items() if len(places) > 2}


def test_no_name_of_a_class_stands_more_than_twice() -> None:
    assert often((ROOT / "shared").rglob("*.py")) == {}


def test_a_third_class_of_one_name_is_found(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.py").write_text("class Person:\n    pass\n")

    assert list(often(tmp_path.glob("*.py"))) == ["Person"]
