"""The command line of the local stack: ``python -m local run`` and ``python -m local stack``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from build_tools.node import NodeError
from local import run
from local.child import StackError
from local.stack import Stack


def _stack(given: argparse.Namespace) -> int:
    """Starts the stack, prints where it is as one line of JSON, and stays until it is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Stack(
            workers=given.workers,
            folder=given.folder,
            max_poll_ms=given.max_poll_ms,
            lease_seconds=given.lease_seconds,
            start_host=not given.no_host,
            isolate=given.isolate or None,
        ) as stack:
            where = {
                "app": stack.host_url or None,
                "simulator": stack.simulator_url,
                "storage": stack.azurite.connection_string,
                "settings": str(stack.write_settings()),
                "logs": str(stack.logs),
            }
            print(json.dumps(where), flush=True)
            stack.stay()
    except KeyboardInterrupt:
        return 0
    except (NodeError, StackError) as error:
        print(error, file=sys.stderr)
        return 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description="Guestlist on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("run", help="start everything and invite the sample guests")
    run.add_arguments(one)
    one.set_defaults(command=run.main)
    one = commands.add_parser("stack", help="start everything and say where it is")
    one.add_argument("--folder", type=Path, help="keep storage and directory here (default: in memory)")
    one.add_argument("--workers", type=int, default=1, help="processes of the app (default: 1)")
    one.add_argument("--max-poll-ms", type=int, default=2000, help="longest pause between polls of a queue")
    one.add_argument("--lease-seconds", type=float, default=600.0, help="of a dequeued message")
    one.add_argument("--isolate", action="store_true", help="each queue and timer function in its own process")
    one.add_argument(
        "--no-host", action="store_true", help="storage and directory alone: 'func start' takes the settings"
    )
    one.set_defaults(command=_stack)
    given = parser.parse_args()
    return int(given.command(given))


if __name__ == "__main__":
    sys.exit(main())
