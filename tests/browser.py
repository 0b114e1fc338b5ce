"""A browser for tests: headless Chromium of the system, driven by playwright, without a network.

DANP_BROWSER names its executable. Where there is none tests are skipped, or fail where
DANP_REQUIRE_BROWSER=1 asks for one, as CI does: it never skips in silence.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = Path("/Applications/Chromium.app/Contents/MacOS/Chromium")
_LOCAL = ("file:", "data:", "blob:", "about:")
_ADVICE = "install one with `make browser`, or name its executable in DANP_BROWSER"


class NoBrowserError(Exception):
    """There is none."""


def find_browser(environment: Mapping[str, str] = os.environ) -> str:
    """Executable of the browser.

    Raises:
        NoBrowserError: none is installed, or DANP_BROWSER names none.
    """
    if named := environment.get("DANP_BROWSER"):
        if found := shutil.which(named):
            return found
        raise NoBrowserError(f"DANP_BROWSER={named}: no such program; {_ADVICE}")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and _MAC.is_file():
        found = str(_MAC)
    if found is None:
        raise NoBrowserError(f"no Chromium found; {_ADVICE}")
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Headless Chromium; closed at the end, its driver too.

    Raises:
        NoBrowserError: there is none.
    """
    program = find_browser()
    # Root, as in a container, has no sandbox; the pages are our own.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def browser_or_skip() -> Iterator[Browser]:
    """Body of a fixture; skips where there is no browser, unless one is required."""
    try:
        find_browser()
    except NoBrowserError as error:
        if os.environ.get("DANP_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{error} (DANP_REQUIRE_BROWSER=1)")
        pytest.skip(str(error))
    with open_browser() as browser:
        yield browser


@dataclass
class Watched:
    """A page, and what it should not have done.

    Attributes:
        page: of the browser.
        complaints: errors and warnings of its console, errors of its scripts.
        strangers: addresses outside the machine that it asked for.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = 1200, height: int = 900, **context: Any
) -> Iterator[Watched]:
    """Open a file offline, and hold what it asks for and complains of.

    Args:
        browser: to open it in.
        file: of the page.
        width: of the window, px.
        height: of the window, px.
        context: of playwright's contexts, such as `color_scheme="dark"`.
    """
    frame = browser.new_context(
        viewport={"width": width, "height": height}, offline=True, **context
    )
    try:
        page = frame.new_page()
        watched = Watched(page)

        def allow(route: Route, request: Request) -> None:
            if request.url.startswith(_LOCAL):
                route.continue_()
            else:
                watched.strangers.append(request.url)
                route.abort()

        page.route("**/*", allow)
        page.on("pageerror", lambda error: watched.complaints.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: (
                watched.complaints.append(f"{message.type}: {message.text}")
                if message.type in {"error", "warning"}
                else None
            ),
        )
        page.goto(file.absolute().as_uri())
        yield watched
    finally:
        frame.close()


def settled(page: Page) -> Page:
    """A report whose charts are all drawn: they are when they come near the window."""
    page.wait_for_selector("html[data-charts=ready]", state="attached")
    page.evaluate(_SCROLL_THROUGH)
    page.wait_for_function(
        "[...document.querySelectorAll('.chart')].every((c) => c.querySelector('.main-svg'))"
    )
    return page


_SCROLL_THROUGH = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
    scrollTo(0, y);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  scrollTo(0, 0);
}"""


def contrasts(page: Page, selector: str) -> dict[str, float]:
    """Contrast of every text that is seen with what is behind it, by the text.

    The ratio is WCAG 2.2's, (lighter + 0.05)/(darker + 0.05) of relative luminances: 1 to 21.
    """
    found = page.evaluate(_COLOURS, selector)
    return {text: contrast(ink, paper) for text, ink, paper in found}


def contrast(ink: Sequence[float], paper: Sequence[float]) -> float:
    """Of two colours, each red, green and blue from 0 to 255."""
    lighter, darker = sorted((_luminance(ink), _luminance(paper)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Sequence[float]) -> float:
    linear = [
        c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4
        for c in colour
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


_COLOURS = """(selector) => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const found = [];
  for (const place of document.querySelectorAll(selector)) {
    if (!place.checkVisibility() || !place.innerText.trim()) continue;
    let under = place;
    while (under && (parts(getComputedStyle(under).backgroundColor)[3] ?? 1) < 1) {
      under = under.parentElement;
    }
    const paper = under ? getComputedStyle(under).backgroundColor : "rgb(255, 255, 255)";
    const ink = parts(getComputedStyle(place).color).slice(0, 3);
    found.push([place.innerText.slice(0, 60), ink, parts(paper).slice(0, 3)]);
  }
  return found;
}"""
