"""Pictures of a run's report, as a browser shows it: `python examples/report_pictures.py RUN_DIR`.

Takes headless Chromium, which `make browser` installs, and playwright, which comes with the `dev`
extra. Voltages and scores in the pictures are the run's own.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import UserError
from sim.results import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).parents[1] / "docs" / "images"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = "/Applications/Chromium.app/Contents/MacOS/Chromium"
_WIDER = 6  # times twice as wide: flips of both passes are in it
_READY = "html[data-charts=ready]"


def main(out: Path, run: Path) -> list[Path]:
    """Write `report.png`, `report_dark_phone.png` and `report_waveforms.png`.

    Args:
        out: folder to write in.
        run: folder of a finished run with waveforms; its report is written anew.

    Returns:
        The pictures.
    """
    program = _browser()
    try:
        page = Run(run).report().absolute().as_uri()
    except UserError as error:
        raise SystemExit(str(error)) from None
    out.mkdir(parents=True, exist_ok=True)
    with _playwright() as driver:
        root = hasattr(os, "geteuid") and os.geteuid() == 0  # who has no sandbox
        browser = driver.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if root else []
        )
        try:
            return [
                _top(browser, page, out / "report.png"),
                _phone(browser, page, out / "report_dark_phone.png"),
                _waveforms(browser, page, out / "report_waveforms.png"),
            ]
        finally:
            browser.close()


def _top(browser: "Browser", address: str, picture: Path) -> Path:
    page = _opened(browser, address, width=1200, height=1240)
    page.locator("#losses .main-svg").first.wait_for()
    page.screenshot(path=picture)
    return picture


def _phone(browser: "Browser", address: str, picture: Path) -> Path:
    page = _opened(browser, address, width=390, height=844, color_scheme="dark")
    page.screenshot(path=picture)
    return picture


def _waveforms(browser: "Browser", address: str, picture: Path) -> Path:
    """The viewer around the first sampling instant, with the cursor among pre-activations."""
    page = _opened(browser, address, width=1200, height=1600)
    viewer = page.locator(".waveform-viewer").first
    viewer.scroll_into_view_if_needed()
    page.locator(".wave-chart .main-svg").first.wait_for()
    page.click("[data-change]")
    page.click("[data-zoom=instant1]")
    for _ in range(_WIDER):
        page.click("[data-zoom=out]")
    # All of it in view: a picture that scrolls would leave the cursor behind.
    viewer.evaluate("(place) => place.scrollIntoView({ block: 'center' })")
    chart = page.locator(".wave-chart").first
    chart.hover(position={"x": 182, "y": 560})
    viewer.screenshot(path=picture)
    return picture


def _opened(browser: "Browser", address: str, width: int, height: int, **look: Any) -> "Page":
    page = browser.new_page(viewport={"width": width, "height": height}, offline=True, **look)
    page.goto(address)
    page.wait_for_selector(_READY, state="attached")
    # Where the run lay is of no interest in a picture.
    page.locator(".path").evaluate_all("(lines) => lines.forEach((line) => line.remove())")
    return page


def _browser() -> str:
    """DANP_BROWSER, or the first Chromium that the system has."""
    names = (named,) if (named := os.environ.get("DANP_BROWSER")) else (*_NAMES, _MAC)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit(
            f"no browser found ({', '.join(names)}): install Chromium with `make browser`, or name "
            "its executable in DANP_BROWSER"
        )
    return found


def _playwright() -> Any:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  # of the `dev` extra
    except ImportError:
        raise SystemExit("playwright is missing: pip install -e '.[dev]'") from None
    return sync_playwright()


if __name__ == "__main__":
    if len(sys.argv) != 2:  # the program and the folder
        raise SystemExit("wanted the folder of a run: python examples/report_pictures.py RUN_DIR")
    for made in main(PICTURES, Path(sys.argv[1])):
        print(made)
