"""Starts one worker process: the app's process first, which loads while the host imports itself.

`python -m local.host.start_worker OPTIONS SOCKET CONTROL` (descriptors).
"""

import os
import sys

from local.host.app_process import launch
from local.host.options import Options

if __name__ == "__main__":
    app = launch(Options.from_json(sys.argv[1]), os.environ)
    from local.host.worker import leave, main

    leave(main(sys.argv[1:], app))
