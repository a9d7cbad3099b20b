"""The deployment package against what pip would put into it."""

from bench.rows import Row
from build_tools.package import build
from build_tools.package.figures import measure

FILES = ("requirements.txt", "infra/left-out.txt", "build_tools/package/build.py", "build_tools/package/figures.py")
AREA = ("build_tools/package",)
RUNS = 7
SHARE = 0.5


def run() -> list[Row]:
    whole, bare, package = measure(build.build(), runs=RUNS)
    size, app = package.size_mb / whole.size_mb, package.app_s / whole.app_s
    modules = package.modules_s / whole.modules_s
    goal = f"ratio <= {SHARE}"
    note = f"processor time, best of {RUNS}, nothing else on the path; without bytecode {bare.app_s:.2f} s"
    return [
        Row("package, size", package.size_mb, "MB", whole.size_mb, size, goal, size <= SHARE, "unpacked"),
        Row(
            "package, files",
            package.files,
            "",
            whole.files,
            package.files / whole.files,
            None,
            None,
            f"{package.files - bare.files:,} of them bytecode",
        ),
        Row("package, cold import of the app", package.app_s, "s", whole.app_s, app, goal, app <= SHARE, note),
        Row(
            "package, cold import of all its modules",
            package.modules_s,
            "s",
            whole.modules_s,
            modules,
            None,
            None,
            "about what the first call of every kind comes to",
        ),
    ]
