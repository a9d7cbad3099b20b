"""Where an app's modules come from, as in Azure. Standard library alone: a bare interpreter imports it first.

In Azure the worker looks into the app's deployed packages first, then into its own folder, then into the standard
library, and into the app's folder last (S: Azure/azure-functions-python-worker, `proxy_worker/utils/dependency.py`;
the page "Dependency Isolation & Placeholder Specialization" of its documentation).
"""

import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGES = Path(".python_packages/lib/site-packages")
"""Below an app: where its packages are deployed to (Microsoft, "Python developer reference")."""

_ROOT = str(Path(__file__).parents[2])
"""Where the package `local` is imported from."""


def bare_path(app: str, host: str, standard: Sequence[str]) -> list[str]:
    """`sys.path` of a worker process that has nothing but the app, the host's folder and the standard library.

    Args:
        standard: `sys.path` of an interpreter started with `-I -S`: the standard library.
    """
    return [str(Path(app) / PACKAGES), host, *standard, app]


def beside_path(app: str, path: Sequence[str]) -> list[str]:
    """`sys.path` of an app's process beside this environment, whose packages stand for those of Azure's worker.

    Args:
        path: `sys.path` of this interpreter. The folder that the host itself was imported from is taken out: it is
            no part of the worker's, and would come before the app's.
    """
    return [str(Path(app) / PACKAGES), *(place for place in path if place not in ("", _ROOT, app)), app]


def strangers(app: str, host: str) -> Iterator[str]:
    """Folders on the path of this process, and modules in it, that are none of these three."""
    standard = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"

    def is_own(place: str) -> bool:
        path = Path(place)
        if path.is_relative_to(app) or path.is_relative_to(host) or path.name == archive:
            return True
        return any(path.is_relative_to(folder) for folder in standard) and "site-packages" not in path.parts

    for place in sys.path:
        if not is_own(place):
            yield f"{place} (on the path)"
    for name, module in sorted(sys.modules.items()):
        for place in (getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())):
            if isinstance(place, str) and not is_own(place):
                yield f"{name} ({place})"
