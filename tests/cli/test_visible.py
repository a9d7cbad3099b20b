"""What strangers chose reaches a terminal as text: no control character, nothing that turns a line around."""

import ast
import io
import json
import sys
import unicodedata
from typing import Any

import pytest
from rich.table import Table
from rich.text import Text

from cli.console import VisibleConsole
from cli.visible import json_text, visible
from tests.cli.api_server import ApiServer, Reply
from tests.cli.conftest import ROOT, Run

EVERY = [
    c
    for c in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\n\t\u200c\u200d"
]
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31mAda\u202eadA\r\x08"
KEPT = "می\u200cخواهم \U0001f469\u200d\U0001f4bb 王"


def hidden(text: str) -> list[str]:
    return [c for c in text if c in EVERY]


def app(name: str) -> dict[str, Any]:
    return {
        "appId": "5a000000-0000-4000-8000-000000000001",
        "name": name,
        "groupName": name,
        "owners": [{"id": "1", "name": name}],
        "policy": {"requests": "approval"},
        "state": "ready",
    }


def test_every_hidden_character_is_written_out() -> None:
    assert hidden(visible("".join(EVERY))) == []
    assert visible(f"{KEPT}\n\t") == f"{KEPT}\n\t"
    assert visible("\x1b[2J") == "\\x1b[2J"


def test_a_document_for_programs_is_the_same_and_shows_nothing_hidden() -> None:
    document = {"name": "".join(EVERY) + KEPT}

    assert hidden(json_text(document)) == []
    assert json.loads(json_text(document)) == document
    assert KEPT in json_text(document)


def test_a_terminal_gets_richs_own_codes_and_nobody_elses() -> None:
    out = io.StringIO()
    console = VisibleConsole(file=out, force_terminal=True, color_system="standard", width=200)
    table = Table()
    table.add_column(Text(EVIL))
    table.add_row(Text(EVIL, style="green"))
    console.print(table)
    console.print(Text(EVIL), soft_wrap=True)

    shown = out.getvalue()
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[2J" in shown
    assert "\x1b[32m" in shown


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["people", "programs"])
def test_names_from_the_api_are_text(guestlist: Run, api: ApiServer, more: tuple[str, ...]) -> None:
    api.on("GET /api/apps", {"value": [app(EVIL)]})

    found = guestlist("app", "list", *more)

    assert found.exit_code == 0
    assert hidden(found.stdout + found.stderr) == []


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["people", "programs"])
def test_so_are_the_words_of_a_refusal(guestlist: Run, api: ApiServer, more: tuple[str, ...]) -> None:
    refusal = {"title": EVIL, "detail": EVIL, "remedy": EVIL, "field": EVIL, "status": 403, "reason": "not-owner"}
    api.on("GET /api/apps", Reply(403, refusal))

    found = guestlist("app", "list", *more)

    assert found.exit_code == 1
    assert hidden(found.stdout + found.stderr) == []


def test_one_module_speaks_to_the_terminal() -> None:
    speaks = set()
    for file in sorted((ROOT / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "typer.echo", "typer.secho", "print", "Console", "sys.stdout.write", "sys.stderr.write",
            ):  # fmt: skip
                speaks.add(file.name)
    assert speaks == {"session.py"}
