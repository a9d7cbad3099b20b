"""Every command of ours that a document names is one that there is, with those options."""

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dev
from bench.__main__ import ALL
from cli.main import app
from cli.old_names import NOTE
from local import run as local_run

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "infra" / "README.md",
    *(ROOT / "docs").rglob("*.md"),
]
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`((?:guestlist|python3 dev\.py) [^`\n]+)`(?!`)")


def commands() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        lines = [line for block in _BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
        for line in [*lines, *_INLINE.findall(_BLOCK.sub("", text))]:
            if line.strip().startswith(("guestlist ", "python3 dev.py ")):
                yield str(document.relative_to(ROOT)), line.strip()


@pytest.mark.parametrize(("document", "line"), sorted(set(commands())))
def test_a_command_in_a_document_is_understood(document: str, line: str) -> None:
    # Where a text leaves words out it is not meant to be typed.
    words = shlex.split(line.partition("…")[0] if " …" in line else line, comments=True)

    if words[0] == "guestlist":
        understood_by_the_cli(words[1:])
    else:
        understood_by_dev(words[2:], whole=" …" not in line)


def understood_by_the_cli(words: list[str]) -> None:
    # With --help at the end everything before it is read, and nothing is done.
    found = CliRunner().invoke(app, [*words, "--help"])

    assert found.exit_code == 0, found.output
    assert NOTE not in found.output


def understood_by_dev(words: list[str], *, whole: bool) -> None:
    given, more = dev.parser().parse_known_args(words)
    if given.command is dev.bench:
        assert set(given.names) <= set(ALL)
    elif given.command is dev.operate:
        assert given.name in dev.operations()
        command = operator_of(given.name)
        if whole:
            command.parse_args(given.arguments)
    elif given.command is dev.run:
        handed_on = argparse.ArgumentParser()
        local_run.add_arguments(handed_on)
        handed_on.parse_args(more)
    elif given.command is not dev.test:
        assert not more


def operator_of(name: str) -> argparse.ArgumentParser:
    module = f"infra.{name.replace('-', '_')}"
    if (ROOT / module.replace(".", "/")).is_dir():
        module += ".__main__"
    found: argparse.ArgumentParser = importlib.import_module(module).parser()
    return found
