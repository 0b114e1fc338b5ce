"""The waveform viewer in a browser, in a page of its own: zoom, nodes, cursor, looks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import plotly
import pytest
from browser import Watched, browser_or_skip, opened
from playwright.sync_api import Browser, FloatRect, Page
from viewed_waves import HOSTILE, STOP, waves

from sim.report.assets import embedded
from sim.report.waveform_view import payload_of, viewer_script, viewer_style

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from browser_or_skip()


@pytest.fixture(scope="module")
def host(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001  # none without
    """A page with nothing but a viewer."""
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    page = tmp_path_factory.mktemp("host") / "page.html"
    page.write_text(
        f"""<!doctype html><html lang="en"><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <link rel="icon" href="data:,">
        <style>body {{ font-family: sans-serif }} {viewer_style()}</style>
        <div class="waveform-viewer" data-run="0"></div>
        <script type="application/json" class="waveform-data" data-run="0">
        {embedded(payload_of(waves(neurons=9), 7.5e-6))}</script>
        <script>{script.read_text(encoding="utf8")}</script><script>{viewer_script()}</script>
        <script>WaveformViewer.mountAll()</script>""",
        encoding="utf8",
    )
    return page


@pytest.fixture(scope="module")
def kept_open(browser: Browser, host: Path) -> Iterator[Watched]:
    with opened(browser, host) as found:
        found.page.locator(".wave-chart .main-svg").first.wait_for()
        yield found


@pytest.fixture
def watched(kept_open: Watched) -> Iterator[Watched]:
    """The viewer as it is at first; a page takes a second to open."""
    page = kept_open.page
    page.get_by_label("find a node").fill("")
    for press in ("[data-zoom=whole]", "[data-pick=first]", "[data-change][aria-pressed=true]"):
        for button in page.locator(press).all():
            button.click()
    yield kept_open
    assert (kept_open.complaints, kept_open.strangers) == ([], [])


def shown_range(page: Page) -> list[float]:
    return page.evaluate("document.querySelector('.wave-chart').layout.xaxis.range")


def drawn(page: Page) -> list[str]:
    """Names of the curves."""
    return page.evaluate(
        "document.querySelector('.wave-chart').data.filter((t) => t.meta === 'node')"
        ".map((t) => t.name)"
    )


def panel(page: Page, place: int = 0) -> FloatRect:
    box = page.locator(".wave-chart .nsewdrag").nth(place).bounding_box()
    assert box
    return box


WHOLE = [0, 1e3 * STOP]


def test_a_drag_zooms_and_a_double_click_shows_the_whole(watched: Watched) -> None:
    page = watched.page
    assert shown_range(page) == WHOLE
    box = panel(page)
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], y, steps=4)
    page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=4)
    page.mouse.up()
    pixel = WHOLE[1] / box["width"]
    np.testing.assert_allclose(shown_range(page), [0.5, 1.0], rtol=0, atol=2 * pixel)
    page.wait_for_timeout(400)  # plotly takes clicks within 300 ms, drags too, for one
    page.mouse.dblclick(box["x"] + 0.5 * box["width"], y)
    page.wait_for_function("document.querySelector('.wave-chart').layout.xaxis.range[0] === 0")
    assert shown_range(page) == WHOLE


def test_buttons_and_keys_zoom_and_move(watched: Watched) -> None:
    page = watched.page
    for i, instant in enumerate((1.0, 2.0), start=1):
        page.click(f"[data-zoom=instant{i}]")
        low, high = shown_range(page)
        assert low == pytest.approx(instant - 7.5e-3)
        assert instant <= high <= min(instant + 7.5e-3, WHOLE[1])
    page.click("[data-zoom=whole]")
    chart = page.locator(".wave-chart")
    chart.focus()
    for key, wanted in (("+", [0.5, 1.5]), ("ArrowRight", [0.75, 1.75]), ("-", [0.25, 2.0])):
        chart.press(key)
        np.testing.assert_allclose(shown_range(page), wanted)
    chart.press("0")
    assert shown_range(page) == WHOLE


def test_nodes_are_picked_one_by_one_by_group_and_all(watched: Watched) -> None:
    page = watched.page
    first = drawn(page)
    assert 0 < len(first) < 38  # 9 neurons of 4 nodes, 2 inputs
    picker = page.locator(".wave-picker")
    picker.get_by_label("a1_1", exact=True).uncheck()
    assert drawn(page) == [name for name in first if name != "a1_1"]
    picker.get_by_label("all of layer 1: pre-activations").click()
    assert {f"a1_{j}" for j in range(1, 10)} <= set(drawn(page))
    page.click("[data-pick=none]")
    assert drawn(page) == []
    page.click("[data-pick=all]")
    assert len(drawn(page)) == 38
    assert "38 of 38" in picker.locator("summary").inner_text()
    page.click("[data-pick=first]")
    assert drawn(page) == first
    picker.get_by_label("find a node").fill("a1_")
    assert picker.locator(".wave-names label:visible").count() == 9
    assert "9 of 38 nodes found" in picker.inner_text()


def test_the_cursor_reads_values_off_the_curves(watched: Watched) -> None:
    page = watched.page
    place = panel(page, drawn_panels(page).index("y3"))  # noise sources
    quarter = place["x"] + 0.25 * place["width"]
    page.mouse.move(quarter, place["y"] + 20)
    box = page.locator(".wave-box")
    box.wait_for()
    # At 0.5 ms, which no vertex is near, junctions 1 and 2 have flipped: at 0.36 and 0.52 ms.
    assert "z1_1" in box.inner_text()
    assert "0.28000 V" in box.inner_text()
    assert page.locator("[data-node=s1_1] td").all_inner_texts()[2] == "1"
    assert page.locator("[data-node=s1_3] td").all_inner_texts()[2] == "0"
    flip = page.locator(".wave-chart .trace.scatter path.point[d*='L']").last
    flip.scroll_into_view_if_needed()
    at = flip.bounding_box()
    assert at
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    assert "s1_9 flips at" in box.inner_text()
    page.mouse.move(1, 1)
    box.wait_for(state="hidden")


def drawn_panels(page: Page) -> list[str]:
    return page.evaluate(
        "[...new Set(document.querySelector('.wave-chart').data.map((t) => t.yaxis))]"
    )


def test_changes_are_from_the_sample_of_the_pass(watched: Watched) -> None:
    page = watched.page
    page.click("[data-change]")
    assert page.get_attribute("[data-change]", "aria-pressed") == "true"
    curve = page.evaluate(
        "(({ x, y }) => ({ x, y }))(document.querySelector('.wave-chart').data"
        ".find((t) => t.name === 'a1_1'))"
    )
    given_waves = waves(neurons=9)
    before = np.array(curve["x"]) < 1.0
    sample = given_waves.sampled("a1_1")[0]
    wave = np.interp(
        np.array(curve["x"])[before], 1e3 * given_waves.time, given_waves.voltages["a1_1"]
    )
    np.testing.assert_allclose(
        np.array(curve["y"])[before],
        1e3 * (wave - sample),
        rtol=0,
        atol=2e-3,  # two roundings, mV
    )


def test_paper_takes_the_whole_chart_and_all_of_the_table(watched: Watched) -> None:
    """A page sets its width before it prints; charts have to follow at once."""
    page = watched.page
    widths = page.evaluate(
        """() => {
          document.body.style.width = '560px';
          dispatchEvent(new Event('beforeprint'));
          const chart = document.querySelector('.wave-chart');
          return [chart.clientWidth, chart.querySelector('.main-svg').clientWidth];
        }"""
    )
    assert widths[0] == widths[1] <= 560
    page.emulate_media(media="print")
    values = page.locator(".wave-values")
    assert values.evaluate("(place) => place.scrollHeight - place.clientHeight") <= 1
    assert page.locator(".wave-picker").is_hidden()
    page.emulate_media(media="screen")
    page.evaluate("document.body.style.width = ''; dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelector('.wave-chart .main-svg').clientWidth") > 560


def test_names_are_text_and_nothing_else(watched: Watched) -> None:
    page = watched.page
    assert page.locator(".wave-picker").get_by_text(HOSTILE).is_visible()
    assert page.locator("img").count() == 0
    assert HOSTILE in page.locator(".wave-values").inner_text()


def test_curves_differ_in_more_than_colour(watched: Watched) -> None:
    looks = watched.page.evaluate(
        "document.querySelector('.wave-chart').data.filter((t) => t.yaxis === 'y4' "
        "&& t.meta === 'node').map((t) => [t.line.color, t.line.dash])"
    )
    assert len(looks) == 5
    assert len({tuple(look) for look in looks}) == 5
    assert len({dash for _, dash in looks}) == 4


def test_a_phone_has_the_list_of_nodes_folded(browser: Browser, host: Path) -> None:
    with opened(browser, host, width=360, height=740, has_touch=True, is_mobile=True) as found:
        page = found.page
        page.locator(".wave-chart .main-svg").first.wait_for()
        assert page.locator(".wave-picker").get_attribute("open") is None
        # A finger scrolls the page over the chart; the buttons zoom.
        assert page.evaluate("document.querySelector('.wave-chart').layout.dragmode") is False
        page.tap("[data-zoom=in]")
        assert shown_range(page) == [0.5, 1.5]
    assert (found.complaints, found.strangers) == ([], [])
