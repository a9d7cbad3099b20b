"""What is installed is what was pinned, to the byte; what is deployed is listed; no secret lies in a file."""

import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from build_tools.package import build, sbom, wheels
from infra import no_secrets, vulnerabilities

ROOT = Path(__file__).resolve().parents[2]
LISTS = ("requirements.txt", "requirements-dev.txt", "infra/requirements-check.txt")
SITE_PACKAGES = Path(build.PACKAGES)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# --- Pins


@pytest.mark.parametrize("name", LISTS)
def test_every_pinned_package_is_held_at_its_bytes(name: str) -> None:
    text = re.sub(r"^\s*#.*\n", "", read(name), flags=re.MULTILINE)
    entries = [entry for entry in re.split(r"(?<!\\)\n", text) if entry.strip()]

    assert len(entries) > 50
    wrong = [
        entry.partition("\n")[0]
        for entry in entries
        if not re.fullmatch(r"[\w.-]+==[^\s;]+( ; [^\\]+?)?( \\\n    --hash=sha256:[0-9a-f]{64})+", entry)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_pins_names_no_registry(name: str) -> None:
    """Whoever builds chooses where packages come from; the hashes say which."""
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", read(name))


@pytest.mark.parametrize("name", ["dev.py", "build_tools/package/wheels.py"])
def test_whoever_installs_from_a_list_wants_its_hashes(name: str) -> None:
    text = read(name)
    from_lists = re.findall(r"^.*\"-r\".*$", text, re.MULTILINE)

    assert from_lists
    assert [line for line in from_lists if "_HASHED" not in line and "--require-hashes" not in text] == []


def test_a_package_with_other_bytes_is_not_installed(tmp_path: Path) -> None:
    [wheel] = [file for file in wheels.fetch() if file.name.startswith("attrs-")]
    version = wheel.name.split("-")[1]
    pinned = tmp_path / "requirements.txt"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--no-index"]
    command += ["--require-hashes", "--find-links", str(wheel.parent), "--dest", str(tmp_path), "-r", str(pinned)]

    pinned.write_text(f"attrs=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    pinned.write_text(f"attrs=={version} --hash=sha256:{hashlib.sha256(b'another').hexdigest()}\n")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr


# --- The bill of materials


@pytest.fixture(scope="module")
def package() -> Path:
    return build.build()


@pytest.fixture(scope="module")
def bill(package: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = sbom.write(package / SITE_PACKAGES, tmp_path_factory.mktemp("bill") / "one.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_the_bill_of_materials_is_cyclonedx(bill: dict[str, Any]) -> None:
    assert bill["specVersion"] == "1.6"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_the_bill_lists_what_lies_in_the_package_and_no_more(package: Path, bill: dict[str, Any]) -> None:
    there = {
        f"pkg:pypi/{re.sub(r'[-_.]+', '-', found.metadata['Name']).lower()}@{found.version}"
        for found in importlib.metadata.distributions(path=[str(package / SITE_PACKAGES)])
    }

    assert {c["purl"] for c in bill["components"] if c["purl"].startswith("pkg:pypi/")} == there


def test_digests_of_the_bill_are_those_of_the_pins(bill: dict[str, Any]) -> None:
    pins = read("requirements.txt")
    digests = [c["hashes"][0]["content"] for c in bill["components"] if c["purl"].startswith("pkg:pypi/")]

    assert digests
    assert [digest for digest in digests if f"--hash=sha256:{digest}" not in pins] == []


def test_the_bill_lists_every_package_that_the_portal_is_built_from(bill: dict[str, Any]) -> None:
    lock = json.loads(read("portal/package-lock.json"))["packages"]
    wanted = {(path.rpartition("node_modules/")[2], p["version"]) for path, p in lock.items() if path}
    listed = {
        ("/".join(filter(None, (c.get("group"), c["name"]))), c["version"])
        for c in bill["components"]
        if c["purl"].startswith("pkg:npm/")
    }
    bundled = {c["name"] for c in bill["components"] if c["purl"].startswith("pkg:npm/") and c["scope"] == "required"}

    assert listed == wanted
    assert {"preact", "oidc-client-ts"} <= bundled
    assert "typescript" not in bundled


def test_two_bills_of_one_package_are_the_same_to_the_byte(package: Path, tmp_path: Path) -> None:
    bills = [sbom.write(package / SITE_PACKAGES, tmp_path / name).read_bytes() for name in ("one", "two")]

    assert bills[0] == bills[1]


# --- Scans


def test_whoever_finds_no_bait_has_not_looked() -> None:
    bait = {no_secrets.BAIT: [{"line_number": 1, "type": "Azure Storage Account access key"}]}
    leak = {"shared/x.py": [{"line_number": 7, "type": "Private Key"}]}

    assert no_secrets.faults({**bait}) == []
    assert no_secrets.faults({**bait, **leak}) == ["shared/x.py:7: Private Key"]
    assert no_secrets.faults({}) == ["the bait was not found: nothing was looked for"]


def test_what_the_scan_of_secrets_leaves_out_is_written_by_programs_and_there() -> None:
    assert [name for name in no_secrets.PUBLIC if not (ROOT / name).is_file()] == []
    assert all(name.endswith((".json", ".txt")) for name in no_secrets.PUBLIC)


KNOWN = {"name": "jinja2", "version": "2.4", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.5"]}]}
CLEAN = {"name": "httpx", "version": "1.0", "vulns": []}
NOT_ASKED = {"name": "rich", "skip_reason": "not found"}


def test_a_known_vulnerability_is_found() -> None:
    assert vulnerabilities.of_python(json.dumps({"dependencies": [KNOWN, CLEAN]})) == [
        "jinja2 2.4: PYSEC-1, fixed in 2.5"
    ]
    npm = {"vulnerabilities": {"preact": {"severity": "high", "range": "<11"}}}
    assert vulnerabilities.of_npm(json.dumps(npm)) == ["preact: high, <11"]
    assert vulnerabilities.of_npm(json.dumps({"vulnerabilities": {}})) == []


@pytest.mark.parametrize(
    "said", ["", "{}", json.dumps({"dependencies": []}), json.dumps({"dependencies": [NOT_ASKED, NOT_ASKED, CLEAN]})]
)
def test_no_answer_is_not_taken_for_a_clean_one(said: str) -> None:
    with pytest.raises(vulnerabilities.Unreachable):
        vulnerabilities.of_python(said)
    with pytest.raises(vulnerabilities.Unreachable):
        vulnerabilities.of_npm(said)


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--must"], 1)])
def test_who_cannot_ask_says_so_and_fails_where_somebody_must(
    arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vulnerabilities, "_said", lambda *_: "")

    assert vulnerabilities.main(arguments) == status
    assert capsys.readouterr().out.count("NOT CHECKED") == 3


# --- ruff's S is bandit


def test_ruff_runs_every_check_of_bandit_but_those_that_are_named_here() -> None:
    """bandit's B101 is ruff's S101. What counts is what runs: ruff still lists rules that it has removed, and those
    in preview that nobody switched on. Source: bandit 1.9.4, its plugins and blacklists; ruff, flake8-bandit."""
    program = Path(sys.executable).with_name("ruff")
    command = [str(program), "check", "--show-settings", "shared/settings.py"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    enabled = said.partition("linter.rules.enabled = [")[2].partition("]")[0]
    running = set(re.findall(r"\((\w+)\)", enabled))

    assert len(running) > 200
    missing = [number for number in BANDIT if f"S{number}" not in running and INSTEAD.get(number) not in running]
    assert sorted(missing) == sorted(NOT_RUN)


BANDIT = {
    *range(101, 114),
    *(201, 202),
    *range(301, 326),
    *range(401, 416),
    *range(501, 510),
    *range(601, 616),
    *range(701, 705),
}
"""The numbers of bandit's plugins and blacklists, those that it has removed as well."""
_REMOVED = "bandit has removed the check"
INSTEAD = {613: "PLE2502"}
"""Checks that ruff has by another name: 613 looks for bidirectional control characters, as Pylint does."""
NOT_RUN = {
    109: f"{_REMOVED} (1.5.0), which was for OpenStack's configuration",
    111: f"{_REMOVED} (1.5.0), which was for OpenStack's configuration",
    309: f"{_REMOVED}: HTTPSConnection verifies since Python 3.4.3",
    320: f"{_REMOVED}, and ruff too: lxml's defaults are safe now",
    322: f"{_REMOVED}: input() evaluates nothing in Python 3",
    325: f"{_REMOVED}: Python 3 has no os.tempnam",
    404: "only that subprocess is imported: 602 to 607 look at each call",
    405: "only that xml.etree is imported: 313 and 314 look at each call that parses",
    410: f"{_REMOVED}, and ruff too: lxml's defaults are safe now",
    414: f"{_REMOVED}; pycryptodome is not among the packages",
    614: "loads PyTorch models: no PyTorch is among the packages",
    615: "fetches models from a hub: no such library is among the packages",
    703: "marks text safe in Django: no Django is among the packages",
}
"""Those that do not run, each with why it is not needed."""
