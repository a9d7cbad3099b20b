"""Microsoft's Bicep compiler on the templates in ``infra/``; ``python -m build_tools.bicep`` builds and lints them.

The compiler is the one of AZD_BICEP_TOOL_PATH, the variable by which azd is given one, or ``bicep`` on the PATH.
Where there is none, nothing is checked, and that is said. Templates are compiled in a copy: the types of the Graph
extension come from Microsoft's registry, or without a network from the folder in GUESTLIST_GRAPH_TYPES.
"""

# ruff: noqa: S603  (every command here is put together from constants and paths of this file)

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build_tools.paths import ROOT

TOOL = "AZD_BICEP_TOOL_PATH"
TYPES = "GUESTLIST_GRAPH_TYPES"
"""Names a folder with the published types of the Graph extension: an ``index.json``, and what it refers to."""
EXTENSION = "microsoftGraphV1"
MISSING = f"there is no Bicep compiler on the PATH or in {TOOL}: the templates are not compiled"
TEMPLATES = ("main.bicep", "pipeline.bicep")
"""What is deployed; all other files are modules of these."""
SUBSCRIPTION, TENANT = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
"""That snapshots are worked out for."""

_ONLY_WARNS = frozenset({"use-recent-api-versions"})
"""Turns red by the calendar, with nothing changed here."""
_DIAGNOSTIC = re.compile(r"^(?P<file>.+)\((?P<line>\d+),\d+\) : (?P<level>\w+) (?P<code>[\w-]+): (?P<text>.*)$")
_TIMEOUT_S = 300


class BicepError(Exception):
    """The compiler could not do it; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One line of what the compiler has to say."""

    file: str
    line: int
    level: str
    code: str
    text: str

    @property
    def is_fault(self) -> bool:
        return self.level == "Error" or (self.level == "Warning" and self.code not in _ONLY_WARNS)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.level} {self.code}: {self.text}"


def find(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The compiler on this machine."""
    found = environment.get(TOOL) or shutil.which("bicep", path=environment.get("PATH", ""))
    return Path(found) if found else None


class Compiler:
    """The compiler, and a copy of the templates that it can compile."""

    def __init__(self, program: Path, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        """Copies the templates into an empty folder.

        Raises:
            BicepError: the types of the extension could not be packed, or fetched.
        """
        self._program, self.folder, self._environment = program, folder, dict(environment)
        shutil.copytree(
            ROOT / "infra", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__")
        )
        if types := environment.get(TYPES):
            self._run("publish-extension", str(Path(types) / "index.json"), "--target", str(folder / "graph.tgz"))
            config = json.loads((folder / "bicepconfig.json").read_text(encoding="utf-8"))
            config["extensions"][EXTENSION] = "./graph.tgz"
            config["cacheRootDirectory"] = str((folder / "cache").resolve())  # each pack is another one
            (folder / "bicepconfig.json").write_text(json.dumps(config), encoding="utf-8")
        # Once, before any two processes would do so at the same time.
        self._run("restore", TEMPLATES[0])

    def diagnostics(self, template: str) -> list[Diagnostic]:
        """All that `build` and `lint` say of a template and its modules, each once.

        Raises:
            BicepError: it failed and named no place.
        """
        found: dict[Diagnostic, None] = {}
        for command in (["build", template, "--stdout"], ["lint", template]):
            done = self._start(*command)
            new = list(self._read(done.stderr + ("" if command[0] == "build" else done.stdout)))
            if done.returncode and not new:
                raise BicepError(f"bicep {' '.join(command)}: {done.stderr or done.stdout}")
            found.update(dict.fromkeys(new))
        return list(found)

    def snapshot(self, template: str, parameters: Mapping[str, Any], *, name: str = "case") -> list[dict[str, Any]]:
        """Every resource that a deployment with these parameters makes, as far as it is known before.

        Raises:
            BicepError: it would not be deployed.
        """
        lines = [f"using '{template}'", *(f"param {key} = {literal(value)}" for key, value in parameters.items())]
        (self.folder / f"{name}.bicepparam").write_text("\n".join(lines) + "\n", encoding="utf-8")
        where = ["--subscription-id", SUBSCRIPTION, "--tenant-id", TENANT, "--location", "westeurope"]
        self._run("snapshot", f"{name}.bicepparam", "--mode", "overwrite", *where)
        whole = json.loads((self.folder / f"{name}.snapshot.json").read_text(encoding="utf-8"))
        resources: list[dict[str, Any]] = whole["predictedResources"]
        return resources

    def _read(self, text: str) -> Iterator[Diagnostic]:
        for line in text.splitlines():
            if found := _DIAGNOSTIC.match(line):
                path = Path(found["file"]).relative_to(self.folder.resolve()).as_posix()
                yield Diagnostic(f"infra/{path}", int(found["line"]), found["level"], found["code"], found["text"])

    def _run(self, *arguments: str) -> None:
        done = self._start(*arguments)
        if done.returncode:
            raise BicepError(f"bicep {arguments[0]}: {done.stderr or done.stdout}")

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._program), *arguments],
            cwd=self.folder.resolve(),
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )


def literal(value: Any) -> str:
    """A value of JSON as Bicep writes it."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${").replace("\n", "\\n")
        return f"'{escaped}'"
    if isinstance(value, (dict, list)):
        return f"json({literal(json.dumps(value))})"
    return json.dumps(value)


def main() -> int:
    """Gives the exit status."""
    program = find()
    if program is None:
        print(f"bicep: {MISSING}")
        return 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            compiler = Compiler(program, Path(folder))
            found = [line for template in TEMPLATES for line in compiler.diagnostics(template)]
    except BicepError as error:
        print(error, file=sys.stderr)
        return 1
    for line in found:
        print(line)
    faults = sum(line.is_fault for line in found)
    print(f"bicep: {faults} faults, {len(found) - faults} others")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
