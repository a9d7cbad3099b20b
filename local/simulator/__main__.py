"""``python -m local.simulator``: serves one tenant on this machine until it is told to stop."""

import argparse
import asyncio
import json
import logging
import os
import signal
from pathlib import Path

from aiohttp import web

from .observations import Traffic
from .seed import StateFile
from .server import application
from .simulator import Simulator

SAMPLE = Path(__file__).with_name("sample_tenant.json")
IDENTITY_HEADER = "dev-identity-header"
"""The managed identity endpoint's secret; IDENTITY_HEADER in the environment sets another."""


async def serve(options: argparse.Namespace) -> None:
    seed = json.loads(options.seed.read_text(encoding="utf-8"))
    traffic = Traffic(options.traffic) if options.traffic else None
    header = os.environ.get("IDENTITY_HEADER", IDENTITY_HEADER)
    simulator = Simulator(seed, identity_header=header, traffic=traffic)
    keeping: asyncio.Task[None] | None = None
    if options.state:
        state = StateFile(options.state)
        simulator.world = state.load() or simulator.world
        keeping = asyncio.create_task(state.keep(lambda: simulator.world))
    runner = web.AppRunner(application(simulator), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    port = runner.addresses[0][1]
    url = f"http://127.0.0.1:{port}"
    if options.ready_file:
        ready = options.ready_file.with_suffix(".tmp")
        ready.write_text(json.dumps({"port": port, "pid": os.getpid(), "url": url}), encoding="utf-8")
        ready.replace(options.ready_file)
    print(f"The directory of '{seed['tenant']['displayName']}' serves on {url}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    simulator.world.faults.remove()
    await runner.cleanup()
    if keeping is not None:
        keeping.cancel()
        await keeping
    if traffic:
        traffic.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 finds a free one")
    parser.add_argument("--seed", type=Path, default=SAMPLE, help="the tenant, as JSON")
    parser.add_argument("--traffic", type=Path, help="append each exchange under /v1.0 to this file")
    parser.add_argument("--state", type=Path, help="keep the directory in this SQLite file")
    parser.add_argument("--ready-file", type=Path, help="written when the simulator serves")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
