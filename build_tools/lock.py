"""One process at a time, on every system. The standard library alone: `dev.py` starts with it, on Python 3.9."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_PAUSE_S = 0.1


@contextlib.contextmanager
def locked(place: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Only one process at a time makes what is at `place`; the lock goes with the process that holds it.

    Args:
        on_wait: called once where another process has it.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("a+b") as handle:
        if not _try_lock(handle.fileno()):
            on_wait()
            while not _try_lock(handle.fileno()):
                time.sleep(_PAUSE_S)
        yield  # closing the file gives the lock back


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
