"""Looks for secrets in every file of the repository with Yelp's detect-secrets, in the form that checkov brings:
`python3 dev.py lint` calls it, in checkov's environment.

It knows the keys, tokens and passwords of services by their form. What merely looks random is not asked for: digests
and samples are full of it. Before a line that holds none stands ``# pragma: allowlist nextline secret``.
Fails as well where a bait among the files is not found: then nothing was looked for.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BAIT = "bait.txt"
GUESSES = ("Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector")
PUBLIC = {
    "requirements.txt": "digests of packages",
    "requirements-dev.txt": "digests of packages",
    "infra/requirements-check.txt": "digests of packages",
    "portal/package-lock.json": "digests of packages",
    "local/simulator/odata/types.json": "Microsoft Graph's published types",
}
"""Large files that are written by programs, each with what it is."""


def tracked(root: Path = ROOT) -> list[str]:
    """The files of the repository."""
    git = shutil.which("git") or "git"
    done = subprocess.run([git, "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)  # noqa: S603
    return [name for name in done.stdout.split("\0") if name and name not in PUBLIC and (root / name).is_file()]


def scan(root: Path, names: list[str]) -> list[str]:
    """What looks like a secret, a line each: file, line, kind."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target)
        # No key of any account, and every scanner takes it for one.
        key = base64.b64encode(hashlib.sha512(b"bait").digest()).decode()
        (Path(folder) / BAIT).write_text(f"AccountKey={key}\n", encoding="utf-8")
        program = str(Path(sys.executable).with_name("detect-secrets"))
        switches = [word for guess in GUESSES for word in ("--disable-plugin", guess)]
        done = subprocess.run(  # noqa: S603  (a program of this environment)
            [program, "scan", "--all-files", "--no-verify", *switches, "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        results = json.loads(done.stdout)["results"]
    except (ValueError, KeyError):
        return [f"detect-secrets said nothing that can be read: {(done.stdout + done.stderr)[-2000:]}"]
    return faults(results)


def faults(results: dict[str, list[dict[str, object]]]) -> list[str]:
    """The results without the bait, or that it was not found."""
    found = [
        f"{name}:{entry['line_number']}: {entry['type']}"
        for name, entries in sorted(results.items())
        for entry in entries
        if name != BAIT
    ]
    return found if BAIT in results else [*found, "the bait was not found: nothing was looked for"]


def main() -> int:
    """Gives the exit status."""
    names = tracked()
    found = scan(ROOT, names)
    for line in found:
        print(line)
    print(f"secrets: {len(names)} files, {len(found)} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
