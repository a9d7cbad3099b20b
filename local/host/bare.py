"""The app's process with nothing on its path but the app, the worker's folder and the standard library.

Started by its path in a bare interpreter: `python -I -S bare.py HOST-FOLDER SOCKET APP`, and modules where it forks
(`local.host.python_worker`).
"""

import sys

if __name__ == "__main__":
    host, descriptor, app, *modules = sys.argv[1:]
    standard = list(sys.path)
    sys.path.append(host)
    from local.host.origins import bare_path

    sys.path[:] = bare_path(app, host, standard)
    from local.host.python_worker import main

    main([descriptor, app, *modules], host)
