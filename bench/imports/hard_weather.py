"""An import while a third of all calls to the directory is answered 429."""

import asyncio
import sys

from bench.imports.files import csv_file
from bench.imports.scene import UNBOUND, change_weather, run_import
from bench.imports.weather import Weather
from bench.rows import Row
from local.stack import Stack

FILES = ("bench/imports/weather.py", "shared/pace/import_pace.py", "shared/imports/chunk.py")
AREA = ("shared/imports", "shared/graph")
GUESTS, WORKERS, LATENCY_MS, SHARE, LONGEST_S = 1000, 4, 50, 1 / 3, 3


def run(guests: int | None = None) -> list[Row]:
    guests = guests or GUESTS
    with (
        Stack(workers=WORKERS, extra_settings=UNBOUND, start_host=False) as stack,
        Weather(stack.simulator_url, share=SHARE, longest_s=LONGEST_S, seed=4) as weather,
    ):
        change_weather(stack, latency_ms=LATENCY_MS, quota=False)
        stack.simulator_url_of_app = weather.url
        stack.restart_host()
        ended = asyncio.run(run_import(stack, csv_file(guests, "weather"), timeout_s=120 + guests))
    log, members = weather.log, ended.count("member")
    for name, seconds in sorted(log.early):
        print(f"  {seconds:.1f} s too early: {name}", file=sys.stderr)
    note = (
        f"{log.refused:,} of {log.calls:,} calls answered 429 at random, parts of batches by themselves, "
        f"Retry-After of 1 to {LONGEST_S} s; {ended.seconds:.0f} s"
    )
    return [
        Row("guests done in hard weather", members, "", guests, members / guests, "all", members == guests, note),
        Row(
            "calls before their Retry-After",
            len(log.early),
            "",
            None,
            None,
            "0",
            not log.early,
            "noted by what stands before the directory",
        ),
    ]
