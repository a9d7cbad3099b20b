"""Which package may import which, and what production must not know."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = [
    ROOT / "function_app.py",
    *sorted((ROOT / "functions").rglob("*.py")),
    *sorted((ROOT / "shared").rglob("*.py")),
]


def lint(cwd: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_the_import_rules_hold() -> None:
    found = lint(ROOT)

    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("shared/core/planted.py", "import shared.graph.session"),
        ("shared/core/planted.py", "import azure.core"),
        ("shared/graph/planted.py", "import shared.membership.access"),
        ("shared/membership/planted.py", "import shared.invitations.commands"),
        ("shared/imports/planted.py", "import shared.audits.run"),
        ("shared/audits/model/planted.py", "import random"),
        ("shared/audits/model/planted.py", "import shared.audits.rows.audits"),
        ("shared/audits/model/planted.py", "import httpx"),
        ("shared/storage/planted.py", "import local.simulator"),
        ("functions/planted.py", "import build_tools.paths"),
        ("functions/planted.py", "import shared.invitations.rows.store"),
        ("local/planted.py", "import shared.messages.sweep"),
        ("cli/planted.py", "import shared.core.reasons"),
        ("cli/planted.py", "import functions.http"),
        ("cli/planted.py", "import local.tenant"),
        ("cli/planted.py", "import build_tools.paths"),
        ("shared/planted.py", "import cli.api"),
        ("functions/planted.py", "import cli.api"),
        ("local/planted.py", "import cli.api"),
        ("build_tools/planted.py", "import shared.settings"),
        ("build_tools/planted.py", "import local.stack"),
        ("build_tools/planted.py", "import cli.api"),
        ("infra/planted.py", "import shared.core.features"),
        ("infra/planted.py", "import local.tenant"),
        ("infra/planted.py", "import build_tools.paths"),
        ("functions/planted.py", "import infra.directory"),
    ],
)
def test_a_planted_import_breaks_the_rules(tmp_path: Path, file: str, line: str) -> None:
    for name in ("shared", "functions", "local", "build_tools", "cli", "infra"):
        for source in (ROOT / name).rglob("*.py"):
            target = tmp_path / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / file).write_text(f"{line}\n")

    found = lint(tmp_path)

    assert found.returncode != 0
    assert "planted" in found.stdout


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", PRODUCTION, ids=lambda p: str(p.relative_to(ROOT)))
def test_production_neither_imports_nor_names_what_is_local(path: Path) -> None:
    assert not [name for name in imports_of(path) if name.split(".")[0] in ("local", "build_tools", "tests", "bench")]
    text = path.read_text().lower()
    assert not [word for word in ("simulator", "azurite", "_sim/") if word in text.replace("unverified", "")]


CAPABILITIES = ("audits", "diagnostics", "imports", "invitations", "membership", "people", "requests", "setup")
ADAPTERS = ("rows", "schemas", "mail_text", "report", "storage_health")
"""Modules of a capability that know the cloud, HTTP or templates; all others are models, ports and steps."""
OUTSIDE = re.compile(
    r"(azure|msgraph|msgraph_core|kiota_abstractions|kiota_http|httpx|aiohttp|jinja2|functions|local)\b"
    r"|shared\.(wiring|settings|http|identity|telemetry)\b"
    r"|shared\.(graph|mail|storage)\.(?!ports\b|deliver\b)"
    r"|shared\.messages\.(in_hand|outbox|queues|registry)\b"
)
STEPS = [
    path
    for name in CAPABILITIES
    for path in sorted((ROOT / "shared" / name).rglob("*.py"))
    if path.relative_to(ROOT / "shared" / name).parts[0].removesuffix(".py") not in ADAPTERS
]


def loads(path: Path) -> Iterator[str]:
    """Modules that are imported when the file is; names that are for types alone are not."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", STEPS, ids=lambda p: str(p.relative_to(ROOT)))
def test_models_ports_and_steps_load_no_adapter(path: Path) -> None:
    adapters = re.compile(rf"shared\.({'|'.join(CAPABILITIES)})\.({'|'.join(ADAPTERS)})\b")

    assert not [name for name in loads(path) if OUTSIDE.match(name) or adapters.match(name)]


def test_function_app_registers_blueprints_and_nothing_else() -> None:
    tree = ast.parse((ROOT / "function_app.py").read_text())

    assert [type(node).__name__ for node in tree.body] == ["Expr", "Import", "ImportFrom", "Assign", "For"]


def test_importing_the_app_loads_no_sdk_and_opens_nothing() -> None:
    program = (
        "import sys, function_app\n"
        "heavy = {'msgraph', 'msgraph_core', 'kiota_http', 'httpx', 'aiohttp', 'azure.identity',"
        "'azure.data', 'azure.storage', 'jwt', 'jinja2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_the_simulator_could_be_lifted_out_whole() -> None:
    absolute = set()
    for path in (ROOT / "local" / "simulator").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                absolute.add(str(node.module).partition(".")[0])
            elif isinstance(node, ast.Import):
                absolute |= {alias.name.partition(".")[0] for alias in node.names}

    assert absolute - sys.stdlib_module_names == {"aiohttp", "cryptography", "jwt", "msgspec"}
