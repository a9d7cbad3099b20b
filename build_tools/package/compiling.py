"""Run by its path, in a bare interpreter: writes bytecode beside every module of a folder.

Azure mounts a package read-only, so an app without bytecode is compiled again at each cold start. The bytecode is
never compared with its source ("unchecked hash", PEP 552): both come from one package, and times do not survive a
zip. One process goes through the files in one order, so that the same sources give the same bytes.

Another Python than 3.13 finds none of it and compiles for itself.
"""

import importlib.util
import py_compile
import sys
import warnings
from pathlib import Path

MOUNTED = "/home/site/wwwroot"
"""Where Azure mounts the package; what a stack trace shows there is right without a fix at import."""


def compile_in(folder: Path, root: Path, *, deep: bool) -> None:
    """A file that is no Python of this version is nobody's module: it is passed over."""
    warnings.simplefilter("ignore")
    for source in sorted(folder.rglob("*.py") if deep else folder.glob("*.py")):
        shown = f"{MOUNTED}/{source.relative_to(root).as_posix()}"
        target = importlib.util.cache_from_source(str(source))
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), target, shown, quiet=2, invalidation_mode=mode)


if __name__ == "__main__":
    compile_in(Path(sys.argv[1]), Path(sys.argv[2]), deep=sys.argv[3] == "deep")
