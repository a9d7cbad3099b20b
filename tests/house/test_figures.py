"""Figures in documents are written by their benchmarks, and none stands beside code that it was not measured at."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench import figures
from bench.__main__ import ALL, sources

ROOT = Path(__file__).resolve().parents[2]
KEPT = figures.kept(ROOT)
DOCUMENTS = figures.documents(ROOT)
AGAIN = "measure again: python3 dev.py bench {} --write"


@pytest.mark.parametrize("name", sorted(KEPT))
def test_what_decides_a_figure_says_what_it_said_when_it_was_measured(name: str) -> None:
    assert figures.digest(ROOT, sources(name)) == KEPT[name].digest, AGAIN.format(name)


@pytest.mark.parametrize("name", sorted(KEPT))
def test_code_is_not_newer_than_its_figure_by_more_than_a_month(name: str) -> None:
    try:
        days = figures.days_behind(ROOT, KEPT[name], sources(name))
    except figures.NoHistory as unknown:
        pytest.skip(str(unknown))

    assert timedelta(days=days) <= figures.MONTH, AGAIN.format(name)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_tables_of_figures_are_those_that_the_benchmarks_wrote(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert figures.drawn(text, KEPT) == text
    assert list(figures.typed(text)) == []


def test_each_benchmark_stands_in_one_document() -> None:
    shown = [name for path in DOCUMENTS for name in figures.shown(path.read_text(encoding="utf-8"))]

    assert sorted(shown) == sorted(ALL)
    assert set(KEPT) <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_what_a_benchmark_names_is_there(name: str) -> None:
    named = sources(name)

    assert figures.digest(ROOT, named)
    assert [path for path in named.area if not (ROOT / path).exists()] == []


# --- Planted: a small tree of its own, with the real command and a benchmark that takes no time

BENCHMARK = '''"""The pace."""

from bench.rows import Row

FILES, AREA = ("shared/pace/*.json",), ("shared",)


def run() -> list[Row]:
    # Slower than it should be.
    return [Row("pace", 12.5, "guests/s", 25, 0.5, "ratio >= 0.97", False, "one | two"), FAILED]


FAILED = Row("failed", 0, "", None, None, "0", True)
'''
TREE = {
    "README.md": "# Figures\n\n<!-- figures: flow -->\n<!-- end of figures -->\n\nThe end.\n",
    "bench/figures.json": "{}\n",
    "bench/flow.py": BENCHMARK,
    "shared/pace/a.json": '{"writes": 3000}\n',
    "shared/code.py": '"""Says why."""\n\nPACE = 1\n',
    "other/code.py": "OTHER = 1\n",
}
SOURCES = figures.Sources(("bench/flow.py", "shared/pace/*.json"), ("shared",))


def git(tree: Path, *arguments: str, at: datetime | None = None) -> str:
    when = {"GIT_COMMITTER_DATE": at.isoformat(), "GIT_AUTHOR_DATE": at.isoformat()} if at else {}
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments]
    done = subprocess.run(command, cwd=tree, env=os.environ | when, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name, text in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for name in ("__init__.py", "__main__.py", "figures.py", "rows.py"):
        shutil.copyfile(ROOT / "bench" / name, root / "bench" / name)
    (root / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    git(root, "init", "--quiet")
    commit(root)
    return root


def commit(tree: Path, at: datetime | None = None) -> None:
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "Some work", at=at)


def bench(tree: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "flow", *more]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def measured(tree: Path) -> figures.Measured:
    return replace(figures.stamp(tree, SOURCES), day=datetime(2026, 3, 1, tzinfo=UTC).date())


def test_a_benchmark_writes_its_figures_with_commit_and_day(tree: Path) -> None:
    found = bench(tree, "--write")

    assert found.returncode == 0, found.stderr
    kept, text = figures.kept(tree), (tree / "README.md").read_text(encoding="utf-8")
    when = f"{datetime.now(UTC).date()}, {git(tree, 'rev-parse', '--short', 'HEAD')}, {os.process_cpu_count()} cores"
    goal = "ratio >= 0.97, **MISSED**"
    assert f"| pace<br><sub>one \\| two</sub> | 12.5 guests/s | 25 guests/s | 0.50 | {goal} | {when} |\n" in text
    assert f"| failed | 0 |  |  | 0, met | {when} |\n" in text
    assert text.startswith("# Figures\n")
    assert text.endswith("\n\nThe end.\n")
    assert figures.drawn(text, kept) == text
    assert list(figures.typed(text)) == []
    assert kept["flow"].digest == figures.digest(tree, SOURCES)
    assert figures.days_behind(tree, kept["flow"], SOURCES) == 0


def test_a_benchmark_that_runs_again_replaces_its_figures_alone(tree: Path) -> None:
    others = figures.Measured("1234567", datetime(2026, 3, 1, tzinfo=UTC).date(), 2, "")
    figures.keep(tree, "memory", others)
    assert bench(tree, "--write").returncode == 0
    first = (tree / "bench" / "figures.json").read_bytes()

    # What it has written itself is no change of the code.
    found = bench(tree, "--write")

    assert found.returncode == 0, found.stderr
    assert (tree / "bench" / "figures.json").read_bytes() == first
    assert figures.kept(tree)["memory"] == others


def test_without_being_asked_a_benchmark_writes_nothing(tree: Path) -> None:
    assert bench(tree).returncode == 0
    assert git(tree, "status", "--porcelain") == ""


@pytest.mark.parametrize("file", ["bench/flow.py", "shared/pace/a.json", "shared/code.py", "shared/new.py"])
def test_what_no_commit_has_is_not_written(tree: Path, file: str) -> None:
    with (tree / file).open("a", encoding="utf-8") as code:
        code.write("\n")

    found = bench(tree, "--write")

    assert found.returncode == 2
    assert "commit them first" in found.stderr
    assert file in found.stderr
    assert figures.kept(tree) == {}


def test_a_figure_needs_a_clone_and_the_usual_size(tree: Path) -> None:
    few = bench(tree, "--write", "--guests", "10")
    shutil.rmtree(tree / ".git")
    no_clone = bench(tree, "--write")

    assert (few.returncode, no_clone.returncode) == (2, 2)
    assert "--guests" in few.stderr
    assert "git names none" in no_clone.stderr
    assert figures.kept(tree) == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("shared/pace/a.json", "3000", "4000", False),
        ("bench/flow.py", "12.5", "13.5", False),
        ("bench/flow.py", '"pace"', '"speed"', False),
        ("bench/flow.py", '"""The pace."""', '"""The pace of imports."""', True),
        ("bench/flow.py", "# Slower than it should be.", "# Fast.", True),
        ("other/code.py", "1", "2", True),
    ],
)
def test_a_figure_is_out_of_date_when_a_file_that_decides_it_says_something_else(
    tree: Path, file: str, old: str, new: str, same: bool
) -> None:
    before = figures.digest(tree, SOURCES)
    path = tree / file
    assert old in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    assert (figures.digest(tree, SOURCES) == before) is same


def test_a_figure_is_out_of_date_when_a_file_that_decides_it_comes_or_goes(tree: Path) -> None:
    before = figures.digest(tree, SOURCES)
    (tree / "shared" / "pace" / "b.json").write_text("{}", encoding="utf-8")
    more = figures.digest(tree, SOURCES)
    for path in (tree / "shared" / "pace").iterdir():
        path.unlink()

    assert more != before
    with pytest.raises(figures.FiguresError, match=r"There is no shared/pace/\*\.json"):
        figures.digest(tree, SOURCES)


@pytest.mark.parametrize("days", [31, 32])
def test_the_newest_code_of_the_area_counts(tree: Path, days: int) -> None:
    begun = measured(tree)
    (tree / "shared" / "code.py").write_text("PACE = 2\n", encoding="utf-8")
    commit(tree, at=datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=days))
    (tree / "other" / "code.py").write_text("OTHER = 2\n", encoding="utf-8")
    commit(tree, at=datetime(2026, 9, 1, tzinfo=UTC))

    found = figures.days_behind(tree, begun, SOURCES)

    assert found == days
    assert (timedelta(days=found) > figures.MONTH) is (days > 31)


def test_a_shallow_clone_does_not_know_how_old_code_is_but_what_it_says(tree: Path, tmp_path: Path) -> None:
    begun = measured(tree)
    (tree / "other" / "code.py").write_text("OTHER = 2\n", encoding="utf-8")
    commit(tree)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", tree.as_uri(), str(shallow))

    with pytest.raises(figures.NoHistory, match="shallow"):
        figures.days_behind(shallow, begun, SOURCES)
    assert figures.digest(shallow, SOURCES) == begun.digest
    shutil.rmtree(shallow / ".git")
    with pytest.raises(figures.NoHistory, match="not a git repository"):
        figures.days_behind(shallow, begun, SOURCES)


def test_an_area_that_no_commit_has_is_an_error(tree: Path) -> None:
    with pytest.raises(figures.FiguresError, match="No commit has any of gone") as found:
        figures.days_behind(tree, measured(tree), replace(SOURCES, area=("gone",)))
    assert not isinstance(found.value, figures.NoHistory)


@pytest.mark.parametrize(
    ("old", "new"),
    [("12.5 guests/s", "26.5 guests/s"), ("**MISSED**", "met"), ("| failed |", "| failed | 0 |\n| more |")],
)
def test_a_row_that_was_typed_between_the_marks_is_found(tree: Path, old: str, new: str) -> None:
    assert bench(tree, "--write").returncode == 0
    text = (tree / "README.md").read_text(encoding="utf-8")
    assert old in text

    changed = text.replace(old, new)

    assert figures.drawn(changed, figures.kept(tree)) == text


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("| benchmark | Guestlist |", "| import | quick |"),
        ("| a day | cost |", "| of sweeps | 0.016 |"),
        ("| | by hand |", "| to the first invitation | 0.17 s |"),
        ("| | |", "| pace | 1,025.96 guests/s |"),
    ],
)
def test_a_table_of_figures_outside_the_marks_is_found(head: str, row: str) -> None:
    table = f"{head}\n|---|---|\n{row}\n"
    text, marked = (
        f"# Title\n\n{begin}{table}{end}\nThe end.\n"
        for begin, end in (("", ""), ("<!-- figures: flow -->\n", "<!-- end of figures -->\n"))
    )

    assert list(figures.typed(text)) == [head]
    assert list(figures.typed(marked)) == []


def test_a_benchmark_without_figures_is_shown_as_not_measured() -> None:
    assert "| `flow` | not measured yet |" in figures.drawn(TREE["README.md"], {})
