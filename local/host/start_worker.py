"""Starts one worker process: the app's process first, which loads while the host imports itself.

`python -m local.host.start_worker OPTIONS SOCKET CONTROL` (descriptors). Forked for each where it is started as
`python -m local.host.start_worker --forks DESCRIPTOR` (`local.host.forks`).
"""

import os
import sys

from local.host.app_process import Options, launch

if __name__ == "__main__":
    if sys.argv[1] == "--forks":
        from local.host.forks import become_forked

        sys.argv[1:] = become_forked(int(sys.argv[2]), ["local.host.worker", "local.host.timers"])
    app = launch(Options.from_json(sys.argv[1]), os.environ)
    from local.host.worker import leave, main

    leave(main(sys.argv[1:], app))
