"""The deployment package: what is in it, that it is made the same way twice, and that the app needs nothing else."""

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from build_tools.package import build, content, figures, left_out, wheels
from build_tools.package.errors import PackageError
from build_tools.paths import ROOT
from local.host.bare_folder import host_folder
from tests.platform.conftest import MakeApp, StartHost

APP = {"function_app.py", "functions", "shared", "host.json", "requirements.txt"}
SITE_PACKAGES = Path(build.PACKAGES)


@pytest.fixture(scope="session")
def package() -> Path:
    """The package of now, as `dev.py test` has built it."""
    return build.build()


@pytest.fixture(scope="session")
def out() -> dict[PurePosixPath, left_out.Entry]:
    """The files that are left out, each with the line that says so."""
    return left_out.sort_out(all_files(), left_out.read())


@pytest.fixture(scope="session")
def stubs(out: dict[PurePosixPath, left_out.Entry]) -> dict[PurePosixPath, str]:
    """What stands in their places."""
    return left_out.stubs(out, set(all_files()) - out.keys())


def all_files() -> list[PurePosixPath]:
    """What pip would install."""
    return [file.path for file in wheels.files(wheels.fetch())]


def files_below(folder: Path) -> dict[str, bytes]:
    """Name and digest of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def in_the_package(package: Path, program: str, **environment: str) -> Any:
    """What a program prints as JSON that finds the package and the standard library alone."""
    path = f"import sys; sys.path.insert(0, {str(package / SITE_PACKAGES)!r}); sys.path.append({str(package)!r})\n"
    command = [sys.executable, "-I", "-S", "-B", "-c", path + program]
    done = subprocess.run(
        command, env=os.environ | environment, cwd=package, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# --- Content


def test_the_app_in_it_is_what_funcignore_leaves_of_the_working_copy(package: Path) -> None:
    found = {
        name: digest
        for name, digest in files_below(package).items()
        if not name.startswith(".python_packages/") and not name.endswith(".pyc")
    }

    assert found.pop(content.IGNORE_FILE)
    assert found == {
        name.as_posix(): hashlib.sha256((ROOT / name).read_bytes()).digest() for name in content.app_files()
    }
    assert "functions/portal/static/index.html" in found


def test_nothing_but_the_app_and_its_packages_is_in_it(package: Path) -> None:
    names = {path.name for path in package.iterdir()}

    assert names == APP | {".funcignore", ".python_packages", "__pycache__"}
    assert {path.name for path in (package / "__pycache__").iterdir()} == {"function_app.cpython-313.pyc"}


def test_funcignore_leaves_nothing_of_what_is_only_for_development(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".funcignore", tmp_path)
    deployed = ["function_app.py", "functions/docs/page.py", "host.json", "requirements.txt", "shared/tests.py"]
    development = [
        *(".ci/run", ".github/workflows/tests.yml", ".venv/lib/x.py", ".gitignore", "LICENSE", "README.md"),
        *(
            "azure.yaml",
            "bench/rows.py",
            "build/package/host.json",
            "build_tools/lock.py",
            "cli/main.py",
            "dev.py",
            "docs/setup.md",
        ),
        *("functions/__pycache__/edge.cpython-313.pyc", "guestlist.egg-info/PKG-INFO", "infra/main.bicep"),
        *("local/stack.py", "local.settings.json", "portal/src/main.tsx", "pyproject.toml", "shared/README.md"),
        *("requirements-dev.txt", "samples/guests.csv", "tests/conftest.py"),
    ]
    for name in deployed + development:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert [str(path) for path in content.app_files(tmp_path)] == deployed


def test_every_module_has_bytecode_that_is_never_compared_with_its_source(package: Path) -> None:
    unchecked = 0b01  # PEP 552: a hash, and nobody looks
    compiled = {path: path.read_bytes()[4:8] for path in package.rglob("*.pyc")}

    assert set(compiled.values()) == {unchecked.to_bytes(4, "little")}
    own = [package / "function_app.py", *(package / "functions").rglob("*.py"), *(package / "shared").rglob("*.py")]
    missing = [p for p in own if p.parent / "__pycache__" / f"{p.stem}.cpython-313.pyc" not in compiled]
    assert not missing


def test_every_pinned_package_is_there_in_its_version_or_left_out_as_a_whole(
    package: Path, out: dict[PurePosixPath, left_out.Entry]
) -> None:
    pinned = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    there = {
        re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(): found
        for found in importlib.metadata.distributions(path=[str(package / SITE_PACKAGES)])
    }
    gone = {
        re.sub(r"[-_.]+", "-", path.parts[0].split("-")[0]).lower()
        for path in out
        if path.parts[0].endswith(".dist-info")
    }

    assert {name: found.version for name, found in there.items()} == {
        name: version for name, version in pinned.items() if name not in gone
    }
    for found in there.values():
        assert [str(f) for f in found.files or () if not f.locate().exists()] == []  # type: ignore[attr-defined]


def test_what_it_takes_to_import_every_module_is_measured(package: Path) -> None:
    # A module that is a program, such as the one that prints the document of the API, is not run by that.
    assert figures.import_seconds(package, figures.EVERY_MODULE) > 0


def test_no_package_hides_a_module_of_the_app(package: Path) -> None:
    """In Azure packages come first on the path and the app's folder last."""
    names = {path.name.partition(".")[0] for path in (package / SITE_PACKAGES).iterdir()}

    assert not names & {"function_app", "functions", "shared"}


# --- Made twice


def test_two_builds_are_the_same_to_the_byte(package: Path, tmp_path: Path) -> None:
    again = build.build(tmp_path / "again")

    assert files_below(again) == files_below(package)


def test_the_zip_has_what_the_folder_has(package: Path) -> None:
    with zipfile.ZipFile(build.build_zip()) as archive:
        names = archive.namelist()
        found = {name: hashlib.sha256(archive.read(name)).digest() for name in names}

    assert names == sorted(names, key=PurePosixPath)
    assert found == files_below(package)


def test_a_zip_tells_neither_when_nor_by_whom_its_files_were_written(tmp_path: Path) -> None:
    zips = []
    for number, name in enumerate(("one", "two")):
        folder = tmp_path / name
        for file in ("b/x.py", "a.py")[:: 1 - 2 * number]:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(file)
            (folder / file).chmod(0o640 + number)
            os.utime(folder / file, (1e9 * number, 1e9 * number))
        build.write_zip(folder, tmp_path / f"{name}.zip")
        zips.append((tmp_path / f"{name}.zip").read_bytes())

    assert zips[0] == zips[1]


# --- What is left out


def test_every_line_of_the_list_leaves_something_out_that_is_not_there(
    package: Path, out: dict[PurePosixPath, left_out.Entry], stubs: dict[PurePosixPath, str]
) -> None:
    assert {entry.pattern for entry in out.values()} == {entry.pattern for entry in left_out.read()}
    assert not [path for path in out if path not in stubs and (package / SITE_PACKAGES / path).exists()]


@pytest.mark.parametrize(
    ("line", "says"),
    [("/nothing_like_it/ # a reason", "leaves out nothing"), ("/msgraph/", "line 1: '/msgraph/' has no reason")],
)
def test_a_line_that_is_dead_or_has_no_reason_is_refused(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "list.txt").write_text(f"{line}\n")

    with pytest.raises(PackageError, match=says):
        left_out.sort_out([PurePosixPath("msgraph/x.py")], left_out.read(tmp_path / "list.txt"))


def test_an_import_of_what_is_left_out_fails_and_names_the_list(
    package: Path, stubs: dict[PurePosixPath, str]
) -> None:
    names = sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in stubs)
    program = (
        "import importlib, json\nsaid = {}\n"
        f"for name in {names!r}:\n"
        "    try:\n        importlib.import_module(name)\n"
        "    except ImportError as error:\n        said[name] = [str(error), error.name]\n"
        "print(json.dumps(said))"
    )

    said = in_the_package(package, program)

    assert {"msgraph", "dns", "google.rpc", "opentelemetry.instrumentation.django"} <= set(names)
    assert set(said) == set(names)
    for name, (text, culprit) in said.items():
        assert culprit == name
        assert text.startswith(f"{name} is not in the deployment package: infra/left-out.txt leaves out '")


def test_whoever_removes_a_single_module_leaves_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("/one/part.py # a reason\n/two/ # another\n*.pyi # types\n")
    paths = [PurePosixPath(p) for p in ("one/__init__.py", "one/part.py", "one/part.pyi", "two/a/b.py", "two/c.py")]

    out = left_out.sort_out(paths, left_out.read(tmp_path / "list.txt"))
    stubs = left_out.stubs(out, set(paths) - out.keys())

    assert set(out) == set(paths[1:])
    assert {str(path) for path in stubs} == {"one/part.py", "two/__init__.py"}


# --- Telemetry finds its parts by entry points


def test_the_azure_monitor_distro_is_configured_in_it_without_a_complaint(package: Path) -> None:
    program = (
        "import json, logging, os\nsaid = []\n"
        "class Note(logging.Handler):\n    def emit(self, record): said.append(record.getMessage())\n"
        "logging.getLogger('azure.monitor.opentelemetry._configure').addHandler(Note(logging.WARNING))\n"
        "from azure.monitor.opentelemetry import configure_azure_monitor\n"
        "configure_azure_monitor(disable_offline_storage=True, enable_live_metrics=False)\n"
        "from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor\n"
        "on = HTTPXClientInstrumentor().is_instrumented_by_opentelemetry\n"
        "print(json.dumps([said, on]), flush=True)\nos._exit(0)"
    )
    key = "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:9/"
    off = {"APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true", "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true"}

    said, instrumented = in_the_package(package, program, APPLICATIONINSIGHTS_CONNECTION_STRING=key, **off)

    assert said == []
    assert instrumented


def test_every_entry_point_of_opentelemetry_that_is_named_can_be_loaded(package: Path) -> None:
    program = (
        "import importlib.metadata, json\n"
        "points = [p for p in importlib.metadata.entry_points() if p.group.startswith('opentelemetry')]\n"
        "for point in points: point.load()\n"
        "print(json.dumps(sorted({p.name for p in points if p.group == 'opentelemetry_instrumentor'})))"
    )

    assert in_the_package(package, program) == ["httpx", "httpx2", "logging", "requests", "urllib", "urllib3"]


# --- The local host runs an app from its package


def test_the_host_has_beside_a_package_only_what_the_package_does_not_bring(package: Path, tmp_path: Path) -> None:
    beside_package = host_folder(package, tmp_path / "one")
    beside_nothing = host_folder(tmp_path, tmp_path / "two")

    modules = {path.name for path in beside_package.iterdir() if path.suffix != ".dist-info"}
    assert modules == {"azure_functions_runtime", "azurefunctions", "local", "uvloop"}
    assert {"azure", "google", "local", "uvloop"} <= {path.name for path in beside_nothing.iterdir()}
    assert host_folder(package, tmp_path / "one") == beside_package


ECHO = """
@app.route("told")
def told(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(rich.__file__)
"""


def bring(app: Path, name: str, text: str = "") -> Path:
    """A module among the packages that an app brings."""
    module = app / SITE_PACKAGES / f"{name}.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text(text)
    return module


@pytest.mark.parametrize("arguments", [[], ["--bare"]], ids=["beside the environment", "bare"])
def test_what_an_app_brings_comes_before_what_is_installed_here(
    make_app: MakeApp, start_host: StartHost, arguments: list[str]
) -> None:
    app = make_app("import rich\n" + ECHO)
    brought = bring(app, "rich")

    host = start_host(app, arguments=arguments)

    assert host.http.get("/api/told").text == str(brought)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import rich", ["No module named 'rich'"]),
        (
            f"import sys; sys.path.append({str(ROOT)!r}); import bench",
            ["The app is not alone", f"{ROOT} (on the path)", f"bench ({ROOT}"],
        ),
        ("import msgraph.generated", ["infra/left-out.txt leaves out '/msgraph/'"]),
    ],
    ids=["a package of the environment", "a module from elsewhere", "left out"],
)
def test_a_bare_app_that_needs_more_than_it_brings_does_not_start(
    package: Path, make_app: MakeApp, start_host: StartHost, source: str, says: list[str]
) -> None:
    app = make_app(f"{source}\n{ECHO}")
    (app / SITE_PACKAGES).parent.mkdir(parents=True)
    (app / SITE_PACKAGES).symlink_to(package / SITE_PACKAGES)

    host = start_host(app, arguments=["--bare"], ready=False)

    assert host.wait_for_exit() == 1
    assert [text for text in says if text not in host.output] == []
