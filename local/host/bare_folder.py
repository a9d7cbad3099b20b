"""The folder that a bare app's process has beside the app: what the worker needs and the app does not bring.

It stands for the folder of Microsoft's worker in Azure, and is made of links into this environment, by name. The rest
of the environment is out of reach: an app that needs more than it brings fails here as it would there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import sys
import tempfile
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.host.origins import PACKAGES

_NEEDED = ("azure-functions-runtime", "protobuf", *(["uvloop"] if sys.platform != "win32" else []))
"""What `local.host.python_worker` imports; what these need comes with them."""

_LOCAL = Path(__file__).parents[1]


def host_folder(app: Path, folders: Path) -> Path:
    """Links to what the host needs and `app` has no copy of: a folder below `folders`, made when first asked for."""
    links = {"local": _LOCAL}
    for distribution in _needed_beside(app):
        links |= _links(distribution)
    key = hashlib.sha256(repr(sorted((name, str(path)) for name, path in links.items())).encode()).hexdigest()[:16]
    folder = folders / key
    if not folder.is_dir():
        folders.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folders, prefix="new-"))
        for name, path in links.items():
            link = draft / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        try:
            draft.rename(folder)
        except OSError:  # another host was quicker
            shutil.rmtree(draft)
    return folder


def _needed_beside(app: Path) -> list[Distribution]:
    own = {
        canonicalize_name(found.metadata["Name"])
        for found in importlib.metadata.distributions(path=[str(app / PACKAGES)])
    }
    found: dict[str, Distribution] = {}
    waiting = list(_NEEDED)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in own or name in found:  # what the app brings, it brings with what that needs
            continue
        found[name] = importlib.metadata.distribution(name)
        needs = [Requirement(text) for text in found[name].requires or ()]
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return [found[name] for name in sorted(found)]


def _links(distribution: Distribution) -> dict[str, Path]:
    """Name and target of each module, package or folder that is this distribution's alone."""
    links: dict[str, Path] = {}
    for file in distribution.files or ():
        if file.parts[0] in ("..", "__pycache__"):  # scripts, bytecode
            continue
        depth, place = 1, Path(str(distribution.locate_file(file.parts[0])))
        # A folder without __init__.py is a namespace, which other distributions share: what is in it is linked.
        while place.is_dir() and place.suffix != ".dist-info" and not (place / "__init__.py").is_file():
            if depth == len(file.parts):
                break
            place = place / file.parts[depth]
            depth += 1
        links["/".join(file.parts[:depth])] = place
    return links
