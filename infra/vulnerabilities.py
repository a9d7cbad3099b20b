"""Asks whether a package that is pinned, or that the portal is built from, has a known vulnerability:
`python3 dev.py scan` calls it, in checkov's environment.

Python's packages are asked for by pip-audit (PyPI's advisories), the portal's by npm audit. Both need their service;
where one cannot be reached nothing is known, which is said and, with ``--must``, a failure: so in GitHub's workflow.
An advisory that does not concern Guestlist stands in `ACCEPTED` with the reason.
"""

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LISTS = ("requirements.txt", "requirements-dev.txt")
ACCEPTED: dict[str, str] = {}
"""Ids of advisories that do not concern Guestlist, each with why."""


class Unreachable(Exception):
    """The service did not say anything of the packages."""


def of_python(said: str) -> list[str]:
    """What pip-audit's JSON tells of, a line each.

    Raises:
        Unreachable: it knows nothing of most packages, or is no JSON.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError) as e:
        raise Unreachable("pip-audit gave no answer") from e
    skipped = [p for p in packages if "skip_reason" in p]
    if not packages or len(skipped) * 2 > len(packages):
        raise Unreachable(f"of {len(skipped)} of {len(packages)} packages nothing is known there")
    lines = [f"nothing is known of {p['name']}: {p['skip_reason']}" for p in skipped]
    return lines + [
        f"{p['name']} {p['version']}: {v['id']}, fixed in {', '.join(v['fix_versions']) or 'no version'}"
        for p in packages
        for v in p.get("vulns", ())
        if v["id"] not in ACCEPTED
    ]


def of_npm(said: str) -> list[str]:
    """What npm audit's JSON tells of, a line each; raises Unreachable."""
    try:
        report = json.loads(said)
        found: dict[str, dict[str, Any]] = report["vulnerabilities"]
    except (ValueError, KeyError, TypeError) as e:
        raise Unreachable("npm audit gave no answer") from e
    return [f"{name}: {entry['severity']}, {entry['range']}" for name, entry in sorted(found.items())]


def ask_python(name: str) -> list[str]:
    """Of one list of pins; raises Unreachable. Installs nothing: the list is whole and has its hashes."""
    program = str(Path(sys.executable).with_name("pip-audit"))
    switches = [
        "--require-hashes",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--timeout",
        "15",
    ]
    return of_python(_said([program, "-r", str(ROOT / name), *switches], ROOT))


def ask_npm() -> list[str]:
    """Of the portal's lock file; raises Unreachable."""
    npm = shutil.which("npm")
    if npm is None:
        raise Unreachable("there is no npm on the PATH")
    return of_npm(_said([npm, "audit", "--package-lock-only", "--json"], ROOT / "portal"))


def _said(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (put together here)
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
        )
    except subprocess.TimeoutExpired as e:
        raise Unreachable("no answer in 300 seconds") from e
    return done.stdout


def main(arguments: list[str]) -> int:
    """Gives the exit status: 1 where something was found, or nobody could be asked though somebody must be."""
    must, failed = "--must" in arguments, False
    asked: dict[str, Callable[[], list[str]]] = {name: functools.partial(ask_python, name) for name in LISTS}
    asked["portal"] = ask_npm
    for name, ask in asked.items():
        try:
            found = ask()
        except Unreachable as e:
            print(f"{name}: NOT CHECKED, the service cannot be reached: {e}")
            failed = failed or must
            continue
        for line in found:
            print(f"{name}: {line}")
        print(f"{name}: {len(found)} found")
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
