"""The portal's first load in a real browser: bytes over the wire as compressed, and the time until it can be used.

The reference is the same page loaded again, from the browser's cache.
"""

import os
import statistics
import time
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.rows import Row
from build_tools import chromium
from local.stack import Stack

FILES, AREA = ("portal/build.mjs", "portal/package-lock.json"), ("portal/src", "functions/pages.py")
RUNS = 5
GOAL_KB = 150


def run() -> list[Row]:
    program = chromium.ensure()
    if program is None:
        raise SystemExit(f"There is no Chromium: install one, or name it in {chromium.VARIABLE}.")
    with Stack(workers=1) as stack, sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        first, again, signed_in, sizes = [], [], [], []
        for _ in range(RUNS):
            context = browser.new_context()
            page = context.new_page()
            sent = _count_bytes(page)
            first.append(_welcome(page, stack.host_url))
            sizes.append(sum(sent.values()) / 1000)
            again.append(_welcome(page, stack.host_url))
            signed_in.append(_groups(page))
            context.close()
        browser.close()
    kb, seconds, warm = statistics.median(sizes), statistics.median(first), statistics.median(again)
    ready = statistics.median(signed_in)
    return [
        Row("portal, bytes of the first load", kb, "kB", None, None, f"< {GOAL_KB} kB", kb < GOAL_KB, "compressed"),
        Row(
            "portal, time to interactive, nobody signed in",
            seconds,
            "s",
            warm,
            seconds / warm,
            None,
            None,
            "against the same page from the browser's cache",
        ),
        Row(
            "portal, from the issuer's page to the groups",
            ready,
            "s",
            None,
            None,
            None,
            None,
            "code, token, groups and their apps read from the directory",
        ),
    ]


def _count_bytes(page: Page) -> dict[str, float]:
    """Bytes of each answer as they came over the wire, headers included."""
    sent: dict[str, float] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def finished(event: dict[str, Any]) -> None:
        sent[event["requestId"]] = float(event["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    return sent


def _welcome(page: Page, app: str) -> float:
    begun = time.perf_counter()
    page.goto(f"{app}/portal/")
    page.get_by_role("button", name="Sign in").click(trial=True)
    seconds = time.perf_counter() - begun
    page.wait_for_load_state("networkidle")
    return seconds


def _groups(page: Page) -> float:
    page.get_by_role("button", name="Sign in").click()
    person = page.get_by_role("button", name="Olivia Owner")
    person.wait_for()
    begun = time.perf_counter()
    person.click()
    page.get_by_role("link", name="Travel app guests").click(trial=True)
    return time.perf_counter() - begun
