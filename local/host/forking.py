"""The two processes that fork for one supervisor: instances' hosts, and the app's processes (`local.host.forks`)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from local.host.app_process import start
from local.host.forks import Forked, channel
from local.host.options import Options


class Forking:
    """Both load as soon as this is made, and end when nobody is left who could ask, or with `close`."""

    def __init__(self, options: Options, environment: Mapping[str, str], modules: Sequence[str]) -> None:
        """`environment` is that of each host; `modules` are what the app's processes have loaded."""
        self._apps, asked = channel()
        with asked:
            app = start(options, environment, asked, "azure_functions_runtime", "local.host.protocol", *modules)
        self._hosts, asked = channel()
        with asked:
            host = subprocess.Popen(  # noqa: S603  (our own module)
                [sys.executable, "-m", "local.host.start_worker", "--forks", str(asked.fileno())],
                cwd=options.app,
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=(asked.fileno(), self._apps.fileno()),
            )
        self._processes = (host, app)

    def host(self, options: Options, descriptors: Sequence[int]) -> Forked:
        """A host, which has its app's process forked."""
        return Forked(self._hosts.fileno(), [replace(options, forks=self._apps.fileno()).to_json()], descriptors)

    def close(self) -> None:
        """When all that was forked has ended."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._hosts.close()
        self._apps.close()
