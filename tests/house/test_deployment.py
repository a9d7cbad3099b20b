"""What deploys: the workflows, azd's file, and the check of the templates, which must not pass for a wrong reason."""

import copy
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dev
from infra import check
from tests.house.bicep import read

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_workflows_are_clean_for_actionlint() -> None:
    program = Path(sys.executable).with_name("actionlint")

    found = subprocess.run(
        [program, "-shellcheck=", "-pyflakes=", *WORKFLOWS], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert len(WORKFLOWS) == 2
    assert found.returncode == 0, found.stdout + found.stderr


def test_actionlint_finds_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yml"
    file.write_text((ROOT / ".github" / "workflows" / "test.yml").read_text().replace("runs-on:", "runs-at:"))
    program = Path(sys.executable).with_name("actionlint")

    found = subprocess.run([program, "-shellcheck=", "-pyflakes=", file], capture_output=True, text=True, check=False)

    assert found.returncode != 0
    assert "runs-at" in found.stdout


PINNED_ACTION = r"uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+(\.\d+){2}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_a_workflow_has_no_secret_and_may_do_no_more_than_it_needs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "secrets." not in text
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    allowed = re.findall(r"^ +(contents|id-token|[a-z-]+): (read|write)\b", text, re.MULTILINE)
    wanted = {("contents", "read")} | ({("id-token", "write")} if path.stem == "deploy" else set())
    assert set(allowed) == wanted
    # A tag can be moved to another commit, a commit cannot be changed; the version is for whoever reads.
    loose = [line for line in re.findall(r"uses:.*", text) if not re.fullmatch(PINNED_ACTION, line)]
    assert loose == []


def test_what_azd_deploys_is_the_built_package_as_it_is() -> None:
    """Source: Azure Developer CLI, "azure.yaml schema"; "Function app deployments": Python is built in Azure unless
    remoteBuild says no, and a .funcignore beside the package would be applied to it."""
    lines = (ROOT / "azure.yaml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))

    top = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    assert top == {"name", "metadata", "requiredVersions", "infra", "services", "hooks"}
    service = re.search(r"^services:\n((?:  .*\n)+)", text, re.MULTILINE)
    assert service
    same = ["project:", "./build/package", "language:", "py", "host:", "function", "remoteBuild:", "false"]
    assert service[1].split() == ["app:", *same, "setup:", *same, "condition:", "${GUESTLIST_HAS_SETUP}"]
    # The template tags the apps with the same names.
    template = (ROOT / "infra" / "main.bicep").read_text(encoding="utf-8")
    assert re.findall(r"^    serviceName: '(\w+)'$", template, re.MULTILINE) == ["app", "setup"]
    assert "output GUESTLIST_HAS_SETUP string" in template
    assert re.findall(r"^  (\w+):$", text.partition("hooks:")[2], re.MULTILINE) == [
        "prepackage",
        "predeploy",
        "preprovision",
        "postprovision",
    ]
    assert text.count("dev.py package") == 4


def test_hooks_use_only_what_the_deployment_puts_out() -> None:
    hooks = (ROOT / "azure.yaml").read_text(encoding="utf-8").partition("hooks:")[2]
    main = read((ROOT / "infra" / "main.bicep").read_text(encoding="utf-8"))

    used = set(re.findall(r"\$(?:env:)?([A-Z_]+)", hooks))
    programs = set(re.findall(r"dev\.py operate ([\w-]+)", hooks))
    assert programs == {"providers", "grant"}
    assert programs <= set(dev.operations())
    assert used
    assert used <= set(main.outputs)


# --- The check of the templates


def test_only_what_is_newer_than_the_grammar_is_taken_out_before_the_check(tmp_path: Path) -> None:
    check.copy_to(tmp_path)

    for path in (ROOT / "infra").rglob("*.bicep"):
        before = path.read_text(encoding="utf-8").splitlines()
        after = (tmp_path / path.relative_to(ROOT)).read_text(encoding="utf-8").splitlines()
        changed = [one for one, other in zip(before, after, strict=True) if one != other]
        assert [line for line in changed if line != "extension microsoftGraphV1" and "fail(" not in line] == []


def one_check(resource: str, **more: Any) -> dict[str, Any]:
    return {
        "check_id": "CKV_AZURE_1",
        "check_name": "that it is so",
        "resource": resource,
        "file_path": "/infra/main.bicep",
        "file_line_range": [7, 9],
        "check_result": {"result": "PASSED"},
    } | more


def clean() -> list[dict[str, Any]]:
    """Reports in the form of checkov's JSON, with nothing to be said against them."""
    kinds = ("passed_checks", "failed_checks", "skipped_checks", "parsing_errors")
    made = []
    for framework in ("bicep", "github_actions"):
        results: dict[str, list[Any]] = {kind: [] for kind in kinds}
        results["passed_checks"] = [one_check(f"{framework}.{n}") for n in range(3)]
        made.append({"check_type": framework, "results": results})
    return made


def faults(reports: list[dict[str, Any]]) -> list[str]:
    return check.faults(reports, surely={"bicep.0"}, fewest={"bicep": 3, "github_actions": 3})


def test_a_clean_report_passes() -> None:
    assert faults(clean()) == []


@pytest.mark.parametrize(
    ("kind", "entry", "told"),
    [
        ("failed_checks", one_check("bicep.9"), "CKV_AZURE_1 that it is so: bicep.9 (/infra/main.bicep:7)"),
        ("parsing_errors", "/infra/app/storage.bicep", "cannot be parsed: storage.bicep"),
        (
            "skipped_checks",
            one_check("bicep.9", check_result={"result": "SKIPPED", "suppress_comment": " "}),
            "CKV_AZURE_1 is skipped without a reason: bicep.9",
        ),
    ],
)
def test_each_kind_of_fault_is_told(kind: str, entry: Any, told: str) -> None:
    reports = clean()
    reports[0]["results"][kind].append(entry)

    assert faults(reports) == [told]


def test_a_skip_with_a_reason_passes() -> None:
    reports = clean()
    entry = one_check("bicep.9", check_result={"result": "SKIPPED", "suppress_comment": "by parameter"})
    reports[0]["results"]["skipped_checks"].append(entry)

    assert faults(reports) == []


def test_files_that_were_left_out_do_not_pass_for_clean() -> None:
    fewer = copy.deepcopy(clean())
    del fewer[0]["results"]["passed_checks"][0]

    assert faults(fewer) == [
        "was not looked at: bicep.0",
        "only 2 checks of bicep were made, not 3: was something left out?",
    ]
    assert faults(clean()[:1]) == ["only 0 checks of github_actions were made, not 3: was something left out?"]


def test_what_has_to_be_looked_at_is_in_the_templates() -> None:
    declared = set()
    for path in (ROOT / "infra").rglob("*.bicep"):
        for name, kind in read(path.read_text(encoding="utf-8")).resources.items():
            declared.add(f"{kind.partition('@')[0]}.{name}")

    assert declared >= check.SURELY_CHECKED


def test_checkov_comes_in_a_version_of_which_is_known_what_it_says() -> None:
    pins = (ROOT / "infra" / "requirements-check.txt").read_text(encoding="utf-8")

    assert re.search(r"^checkov==3\.", pins, re.MULTILINE)
