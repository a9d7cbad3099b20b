"""Builds the portal from its sources when they have changed; ``python -m build_tools.portal --check`` looks at them.

Its types of what the API takes and answers are drawn from the API's description (``--types``). Front-end packages
come from npm, as the lock file names them; none is committed.
"""

# ruff: noqa: S603  (every command here is put together from constants and paths of this file)

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys

from build_tools.lock import locked
from build_tools.node import Node, NodeError, find_node
from build_tools.paths import BUILD, ROOT

SOURCE = ROOT / "portal"
TYPES = SOURCE / "src" / "schemas.ts"
STATIC = ROOT / "functions" / "portal" / "static"
_STAMP = BUILD / "portal.stamp"
_PACKAGES = SOURCE / "node_modules" / ".guestlist-stamp"


class PortalError(NodeError):
    """The portal could not be built; the message says what was run and what it answered."""


def build() -> None:
    """Make ``functions/portal/static`` what the sources of now say. Safe to run in several processes at once.

    Raises:
        PortalError: there is no Node to be had, or npm or the build failed.
    """
    wanted = _digest()
    if _is_built(wanted):
        return
    with locked(BUILD / "portal"):
        wanted = _digest()
        if _is_built(wanted):
            return
        # Whoever dies from here on leaves nothing that passes for a build.
        _STAMP.unlink(missing_ok=True)
        node = _node()
        _install(node)
        _run(node, "run", "--silent", "build")
        BUILD.mkdir(exist_ok=True)
        _STAMP.write_text(wanted, encoding="utf-8")


def check() -> None:
    """Types and unit tests of the sources. Raises PortalError."""
    with locked(BUILD / "portal"):
        node = _node()
        _install(node)
        _run(node, "run", "--silent", "check")
        _run(node, "run", "--silent", "test")


def types() -> str:
    """The types as the API's models of now have them: what `TYPES` should be. Raises PortalError."""
    # In a process of its own: nothing here imports the app.
    described = subprocess.run(
        [sys.executable, "-m", "functions"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if described.returncode != 0:
        raise PortalError(f"The API could not be described:\n{described.stderr}")
    with locked(BUILD / "portal"):
        node = _node()
        _install(node)
        return _run(node, "run", "--silent", "types", given=described.stdout)


def _is_built(wanted: str) -> bool:
    return (STATIC / "index.html").is_file() and _STAMP.is_file() and _STAMP.read_text(encoding="utf-8") == wanted


def _digest() -> str:
    found = hashlib.sha256()
    made = {"node_modules", "build"}
    for path in sorted(p for p in SOURCE.rglob("*") if p.is_file() and not made & set(p.relative_to(SOURCE).parts)):
        found.update(path.relative_to(SOURCE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def _node() -> Node:
    try:
        return find_node()
    except NodeError as error:
        raise PortalError(str(error)) from error


def _install(node: Node) -> None:
    lock = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    if _PACKAGES.is_file() and _PACKAGES.read_text(encoding="utf-8") == lock:
        return
    # No package here needs its install script to run: esbuild's program is a package of its own.
    _run(node, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    _PACKAGES.write_text(lock, encoding="utf-8")


def _run(node: Node, *arguments: str, given: str | None = None) -> str:
    command = [*node.npm, *arguments]
    path = f"{node.executable.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path}
    result = subprocess.run(
        command, cwd=SOURCE, env=environment, input=given, capture_output=True, encoding="utf-8", check=False
    )
    if result.returncode != 0:
        raise PortalError(f"'npm {' '.join(arguments)}' failed in {SOURCE.name}/:\n{result.stdout}{result.stderr}")
    return result.stdout


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m build_tools.portal", description="Builds the portal.")
    parser.add_argument("--check", action="store_true", help="look at types and run the unit tests instead")
    parser.add_argument("--types", action="store_true", help=f"write {TYPES.name} again from the API's description")
    given = parser.parse_args()
    try:
        if given.types:
            TYPES.write_text(types(), encoding="utf-8")
        else:
            (check if given.check else build)()
    except PortalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
