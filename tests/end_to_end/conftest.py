"""A real browser before the whole product. What a page logs as an error, or asks of another host, fails its test."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from build_tools import chromium
from build_tools.paths import ROOT
from local.stack import Stack
from tests.integration.conftest import OTHER, OWNER, QUICK, Tenant
from tests.integration.test_setups import confirm_all, start

AXE = ROOT / "portal" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "docs" / "portal"
PICTURES_VARIABLE = "GUESTLIST_SCREENSHOTS"
"""Set, the tests write the pictures that the README shows."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
APP = "Contoso Expenses"

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(workers=1, lease_seconds=3, max_poll_ms=400, extra_settings=QUICK) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium.ensure()
    if program is None:
        pytest.fail(f"There is no Chromium: install one, or name it in {chromium.VARIABLE}.")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def group(stack: Stack) -> str:
    """A group whose app is set up, and which people may ask to join."""
    tenant = Tenant(stack)
    body = {"app": {"name": APP}, "owners": [OWNER, OTHER], "group": {"name": f"{APP} guests"}}
    found = str(confirm_all(tenant, start(tenant, body))["found"]["group"]["id"])
    tenant.close()
    return found


@pytest.fixture
def tenant(stack: Stack) -> Iterator[Tenant]:
    """The tenant with whatever earlier tests left in it: each test has guests of its own."""
    tenant = Tenant(stack)
    yield tenant
    tenant.simulator.delete("/_sim/faults")
    tenant.close()


@dataclass
class Visitor:
    """Somebody in front of a browser."""

    page: Page
    stack: Stack
    group: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.stack.host_url}{path}")

    def sign_in(self, name: str = "Olivia Owner", path: str = "/portal/") -> None:
        """Walk the issuer's own page."""
        self.open(path)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.get_by_role("button", name=name).click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        expect(self.page.get_by_role("banner").get_by_text(name, exact=True)).to_be_visible()

    def open_group(self) -> None:
        self.sign_in(path=f"/portal/groups/{self.group}")
        expect(self.heading(f"{APP} guests")).to_be_visible()

    def heading(self, name: str) -> Locator:
        return self.page.get_by_role("heading", name=name, level=1)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def row(self, table: str, text: str) -> Locator:
        return self.page.get_by_role("table", name=table).get_by_role("row").filter(has_text=text)

    def closes(self) -> None:
        """The dialog goes; where it does not, the test says what it shows."""
        dialog = self.page.get_by_role("dialog")
        try:
            expect(dialog).to_have_count(0)
        except AssertionError as e:
            raise AssertionError(f"the dialog stays: {dialog.inner_text()}") from e

    def look(self, what: str) -> None:
        """No barrier in either colour scheme, and nothing beside the edge of the page."""
        # Text that fades in has too little contrast until it has come to rest.
        self.page.evaluate("Promise.allSettled(document.getAnimations().map(animation => animation.finished))")
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
            found = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", RULES)
            faults = [f"{v['id']}: {[n['html'][:200] for n in v['nodes']]}" for v in found["violations"]]
            assert not faults, f"{what}, {scheme}: {faults}"
        self.page.emulate_media(color_scheme="light")
        widths = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert widths[0] <= widths[1], f"{what} is wider than the window"

    def picture(self, name: str) -> None:
        """For the README, where that is wanted."""
        if os.environ.get(PICTURES_VARIABLE):
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / f"{name}.png")


type Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser, stack: Stack, group: str) -> Iterator[Visit]:
    """Visitors, each with a browser profile of their own; what their pages did wrong fails the test."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stack.host_url)
        page = context.new_page()
        visitor = Visitor(page, stack, group)
        visitors.append(visitor)
        ours = {urlsplit(stack.host_url).netloc, urlsplit(stack.simulator_url).netloc}

        def asked(url: str) -> None:
            if urlsplit(url).scheme in ("http", "https") and urlsplit(url).netloc not in ours:
                visitor.faults.append(f"asked {url}")

        page.on("request", lambda request: asked(request.url))
        page.on("response", lambda answer: _note_answer(visitor, answer.status, answer.url))
        page.on("pageerror", lambda error: visitor.faults.append(f"error: {error}"))
        page.on("console", lambda said: _note(visitor, said.type, said.text, said.location.get("url", "")))
        return visitor

    yield make
    faults = [fault for visitor in visitors for fault in visitor.faults]
    for context in contexts:
        context.close()
    assert not faults, faults


def _note(visitor: Visitor, kind: str, text: str, url: str) -> None:
    # What is not loaded the browser tells the console by itself: its status is looked at where it is answered.
    if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
        visitor.faults.append(f"{kind}: {text} ({url})")


def _note_answer(visitor: Visitor, status: int, url: str) -> None:
    """A 4xx of the API is a test's own to expect; a page's missing part, and any 5xx, is a fault."""
    if status >= 500 or (status >= 400 and "/portal/" in url and "/api/" not in url):
        visitor.faults.append(f"{status}: {url}")


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    return visit()


@pytest.fixture
def guests_file(tmp_path: Path) -> Callable[[str], Path]:
    def write(content: str) -> Path:
        path = tmp_path / "guests.csv"
        path.write_text(content, encoding="utf-8")
        return path

    return write
