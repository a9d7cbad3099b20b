"""Runs checkov on the templates in ``infra/`` and on the workflows: `python3 dev.py lint` calls it, in an environment
of checkov's own.

Fails on a failed check, on a check that is skipped without a reason, and on what would make a clean result worth
nothing: a file that checkov's parser could not read (it leaves those out without a word), or fewer checks than there
have to be. Nothing leaves the machine: checkov knows its rules by itself.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NEWER = ((re.compile(r"^extension \w+$", re.MULTILINE), ""), (re.compile(r"\bfail\("), "string("))
"""What is newer than checkov's grammar, and what checkov reads instead: a statement that names no resource, and the
function that refuses a deployment."""
SURELY_CHECKED = {
    "Microsoft.Network/virtualNetworks.network",
    "Microsoft.Storage/storageAccounts.account",
    "Microsoft.Storage/storageAccounts/blobServices/containers.containers",
    "Microsoft.Web/serverfarms.plan",
    "Microsoft.Web/sites.app",
    "Microsoft.Web/sites/config.session",
}
"""Resources that checkov has rules for. Where one of them was not looked at, something was not read."""
FEWEST = {"bicep": 35, "github_actions": 40}
"""Checks that have to have been made (passed or skipped) for the result to mean anything."""


def faults(reports: list[dict[str, Any]], *, surely: set[str], fewest: dict[str, int]) -> list[str]:
    """What is wrong, a line each, by checkov's reports as JSON."""
    found = []
    looked_at: set[str] = set()
    made = dict.fromkeys(fewest, 0)
    for report in reports:
        results = report["results"]
        found += [f"cannot be parsed: {Path(path).name}" for path in results["parsing_errors"]]
        found += [
            f"{c['check_id']} {c['check_name']}: {c['resource']} ({c['file_path']}:{c['file_line_range'][0]})"
            for c in results["failed_checks"]
        ]
        found += [
            f"{c['check_id']} is skipped without a reason: {c['resource']}"
            for c in results["skipped_checks"]
            if not (c["check_result"].get("suppress_comment") or "").strip()
        ]
        checked = results["passed_checks"] + results["skipped_checks"] + results["failed_checks"]
        looked_at |= {c["resource"] for c in checked}
        made[report["check_type"]] = made.get(report["check_type"], 0) + len(checked)
    found += [f"was not looked at: {name}" for name in sorted(surely - looked_at)]
    for framework, least in fewest.items():
        if made[framework] < least:
            found.append(
                f"only {made[framework]} checks of {framework} were made, not {least}: was something left out?"
            )
    return found


def copy_to(folder: Path) -> None:
    """What is checked, as checkov's parser can read it."""
    shutil.copytree(ROOT / "infra", folder / "infra")
    shutil.copytree(ROOT / ".github", folder / ".github")
    for file in folder.rglob("*.bicep"):
        text = file.read_text(encoding="utf-8")
        for pattern, instead in NEWER:
            text = pattern.sub(instead, text)
        file.write_text(text, encoding="utf-8")


def run_checkov(folder: Path) -> list[dict[str, Any]]:
    """checkov's reports on a folder, one for each framework."""
    checkov = Path(sys.executable).with_name("checkov")
    command = [str(checkov), "--directory", ".", "--framework", "bicep", "github_actions", "--skip-download"]
    environment = {**os.environ, "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    done = subprocess.run(  # noqa: S603  (a program of this environment, with constant arguments)
        [*command, "--output", "json"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    try:
        reports = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"checkov said nothing that can be read:\n{(done.stdout + done.stderr)[-3000:]}")
    return reports if isinstance(reports, list) else [reports]


def main() -> int:
    """Gives the exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_to(folder)
        reports = run_checkov(folder)
    found = faults(reports, surely=SURELY_CHECKED, fewest=FEWEST)
    for line in found:
        print(line)
    counts = ("passed", "skipped", "failed")
    sums = {count: sum(len(r["results"][f"{count}_checks"]) for r in reports) for count in counts}
    print("checkov: " + ", ".join(f"{number} {count}" for count, number in sums.items()))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
