"""`python -m local.host`: reads settings, decides on ports and processes, hands over to the supervisor."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from build_tools.paths import BUILD
from local.host.app_process import MOST_WORKERS, Options
from local.host.configuration import HostSettings, merge, read_host_json, read_local_settings
from local.host.errors import StartError
from local.host.logs import LOG, set_up
from local.host.scaling import Scaling
from local.host.supervisor import Supervisor

DEFAULT_PORT = 7071
"""What `func start` listens on."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.host", description="Runs a Python function app as the Functions host does."
    )
    parser.add_argument("--app", type=Path, required=True, help="folder with host.json and function_app.py")
    parser.add_argument("--settings", type=Path, help="local.settings.json (default: the one of the app)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"0: any free one (default: {DEFAULT_PORT})")
    parser.add_argument("--workers", type=int, help="processes (default: FUNCTIONS_WORKER_PROCESS_COUNT)")
    parser.add_argument("--ready-file", type=Path, help="written when HTTP serves, and when workers change")
    parser.add_argument("--lease-seconds", type=float, default=600.0, help="of a dequeued message")
    parser.add_argument("--max-poll-ms", type=int, default=2000, help="longest pause between empty polls")
    parser.add_argument("--master-key", help="opens /admin (without it: nothing does)")
    parser.add_argument("--answer-seconds", type=float, default=230.0, help="a caller waits for an answer at most")
    parser.add_argument("--grace-seconds", type=float, default=10.0, help="for running functions at the end")
    parser.add_argument("--load-seconds", type=float, default=30.0, help="the app may take to load")
    parser.add_argument("--restart-seconds", type=float, default=10.0, help="between two starts of its process")
    parser.add_argument(
        "--bare", action="store_true", help="the app finds its own packages, and none of this environment's"
    )
    parser.add_argument(
        "--forks",
        default="",
        metavar="MODULES",
        help="fork each process from one that has loaded these, as function_app,shared.wiring (Linux): for tests",
    )
    scaling = parser.add_argument_group(
        "one process for each function", "as instances in Flex Consumption: started when there is work"
    )
    scaling.add_argument(
        "--isolate",
        action="store_true",
        help="HTTP functions share a process, every other has its own; --workers is the most of each",
    )
    scaling.add_argument(
        "--always-ready", default="", metavar="NAMES", help="as http,function:NAME; these never stop"
    )
    scaling.add_argument("--idle-seconds", type=float, default=30.0, help="then a process stops (default: 30)")
    scaling.add_argument(
        "--scale-ms", type=int, default=1000, help="pause between two looks at queues and schedules (default: 1000)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until stopped.

    Returns:
        0 after a graceful end, 1 where the app could not be started.
    """
    given = _parser().parse_args(arguments)
    set_up()
    try:
        environment = _environment(given)
        app = given.app.resolve()
        if not app.is_dir():
            raise StartError(f"'{app}' is not a folder.")
        settings = read_host_json(app, environment)
        for warning in settings.warnings:
            LOG.warning("%s", warning)
        if not given.master_key:
            LOG.info("No master key: /admin answers 401.")
        workers = _worker_count(given.workers, environment)
        folder = None
        if given.bare:  # most hosts are not: what is imported here, they need not
            from local.host.bare_folder import host_folder

            folder = str(host_folder(app, BUILD / "host"))
        supervisor = Supervisor(
            Options(
                app=str(app),
                lease_s=given.lease_seconds,
                max_poll_ms=given.max_poll_ms,
                workers=workers,
                grace_s=given.grace_seconds,
                load_s=given.load_seconds,
                restart_s=given.restart_seconds,
                master_key=given.master_key,
                answer_s=given.answer_seconds,
                host_folder=folder,
            ),
            environment | {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "AzureWebJobsScriptRoot": str(app)},
            port=given.port,
            ready_file=given.ready_file.resolve() if given.ready_file else None,
            scaling=_scaling(given, workers, settings) if given.isolate else None,
            forks=_names(given.forks),
        )
        return asyncio.run(supervisor.run())
    except StartError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"Port {given.port} is unavailable: {error.strerror}.", file=sys.stderr)
    return 1


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _scaling(given: argparse.Namespace, most: int, settings: HostSettings) -> Scaling:
    return Scaling(
        idle_s=given.idle_seconds,
        every_s=given.scale_ms / 1000,
        always_ready=frozenset(_names(given.always_ready)),
        most=most,
        batch_size=settings.queues.batch_size,
    )


def _environment(given: argparse.Namespace) -> dict[str, str]:
    path: Path = given.settings or given.app / "local.settings.json"
    if given.settings is None and not path.is_file():
        return dict(os.environ)
    environment, skipped = merge(os.environ, read_local_settings(path))
    for name in skipped:
        LOG.warning(
            "Skipping '%s' from local settings as it's already defined in current environment variables.",
            name,
        )
    return environment


def _worker_count(given: int | None, environment: Mapping[str, str]) -> int:
    text = str(given) if given is not None else environment.get("FUNCTIONS_WORKER_PROCESS_COUNT") or "1"
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise StartError(f"The number of worker processes is '{text}': 1 to {MOST_WORKERS} are possible.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
