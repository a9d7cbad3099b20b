"""A worker process with nothing on its path but the app, the host's folder and the standard library.

Started by its path in a bare interpreter: `python -I -S bare.py HOST-FOLDER APP OPTIONS SOCKET CONTROL`.
"""

import sys

if __name__ == "__main__":
    host, app, *arguments = sys.argv[1:]
    standard = list(sys.path)
    sys.path.append(host)
    from local.host.origins import bare_path

    sys.path[:] = bare_path(app, host, standard)
    from local.host.worker import leave, main

    leave(main(arguments))
