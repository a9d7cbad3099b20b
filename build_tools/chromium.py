"""The system's Chromium for the browser tests: found, or installed where that needs nobody's word."""

# ruff: noqa: S603  (every command here is put together from constants)

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "microsoft-edge")
VARIABLE = "GUESTLIST_CHROMIUM"
"""Names another program to take."""
_PACKAGE = "chromium"


def find() -> str | None:
    """The program, None where there is none."""
    named = os.environ.get(VARIABLE)
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def ensure() -> str | None:
    """The program; on Debian and its kin it is installed where this process may."""
    if (found := find()) or (apt := shutil.which("apt-get")) is None:
        return found
    prefix = _as_root()
    if prefix is None:
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    print(f"installing the package {_PACKAGE} for the browser tests …", file=sys.stderr, flush=True)
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", _PACKAGE]):
        done = subprocess.run(
            [*prefix, apt, *arguments], env=environment, check=False, capture_output=True, text=True, timeout=900
        )
        if done.returncode != 0:
            print(f"apt-get {arguments[0]} failed:\n{done.stdout}{done.stderr}"[-3000:], file=sys.stderr, flush=True)
    return find()


def _as_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def main() -> int:
    found = ensure()
    if found is None:
        print("There is no Chromium for the browser tests.", file=sys.stderr)
        print(f"Install one (apt install {_PACKAGE}), or name it in {VARIABLE}.", file=sys.stderr)
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
