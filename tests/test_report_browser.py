"""Reports of real runs in a browser: offline, light and dark, on a phone, without JavaScript."""

import importlib.util
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from browser import (
    NoBrowserError,
    browser_or_skip,
    contrast,
    contrasts,
    find_browser,
    opened,
    settled,
)
from playwright.sync_api import Browser, Page

from sim.attribute.command import main as attribute
from sim.report.command import main as report
from sim.results import Run
from sim.run import main as run

pytestmark = pytest.mark.browser

LEAST = 4.5
"""Contrast that WCAG 2.2 asks of text, criterion 1.4.3."""

PHONE = 360  # px, the narrowest in use
TEXTS = "h1, h2, p, li, td, th, a, button, label, summary, dt, legend"

SHORT: dict[str, Sequence[str]] = {
    "teacher": ("--epochs", "3", "--samples", "12"),
    "xor": ("--task", "xor", "--epochs", "3"),
    "ideal": ("--engine", "ideal", "--epochs", "3", "--samples", "12"),
}


@dataclass(frozen=True)
class Pages:
    folder: Path

    def page(self, name: str) -> Path:
        return self.folder / ("side.html" if name == "side" else f"{name}/report.html")

    def run(self, name: str) -> Run:
        return Run(self.folder / name)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from browser_or_skip()


@pytest.fixture(scope="module")
def pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Pages:  # noqa: ARG001  # none without
    folder = tmp_path_factory.mktemp("pages")
    for name, options in SHORT.items():
        assert run([*options, "--quiet", "--out", str(folder / name)]) == 0
    assert attribute([str(folder / "xor"), "--passes", "2", "--quiet"]) == 0
    for name in SHORT:
        assert report([str(folder / name), "--quiet"]) == 0
    both = [str(folder / name) for name in ("teacher", "xor")]
    assert report([*both, "--out", str(folder / "side.html"), "--quiet"]) == 0
    return Pages(folder)


def pictured(page: Page, path: Path) -> None:
    picture = page.screenshot(path=path, full_page=True)
    assert picture.startswith(b"\x89PNG")
    assert len(set(picture)) > 100  # not blank


def fits(page: Page) -> bool:
    return page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", [*SHORT, "side"])
def test_a_report_opens_offline_light_dark_and_on_a_phone(
    browser: Browser, pages: Pages, name: str, tmp_path: Path
) -> None:
    with opened(browser, pages.page(name)) as watched:
        page = settled(watched.page)
        pictured(page, tmp_path / "light.png")
        assert fits(page)
        # Those of nodes are in the noise's, too, and a side-by-side report has two of each.
        assert page.locator(".waveform-viewer").count() == {"ideal": 0, "side": 2}.get(name, 1)
        light = contrasts(page, TEXTS)
    assert (watched.complaints, watched.strangers) == ([], [])
    with opened(browser, pages.page(name), width=PHONE, height=740, color_scheme="dark") as watched:
        page = settled(watched.page)
        pictured(page, tmp_path / "dark_phone.png")
        assert fits(page)
        dark = contrasts(page, TEXTS)
    assert (watched.complaints, watched.strangers) == ([], [])
    for texts in (light, dark):
        assert len(texts) > 30
        assert {text: ratio for text, ratio in texts.items() if ratio < LEAST} == {}


def test_contrast_is_that_of_the_standard() -> None:
    # WCAG 2.2: 21 for black on white; #767676 is the lightest grey that passes on white, 4.54.
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((0x76,) * 3, (255,) * 3) == pytest.approx(4.54, abs=0.005)


def test_a_report_needs_no_javascript_for_its_tables(browser: Browser, pages: Pages) -> None:
    with opened(browser, pages.page("teacher"), java_script_enabled=False) as watched:
        page = watched.page
        assert page.locator("noscript").count() == 1
        assert page.locator("table:visible").count() >= 5
        assert page.get_by_text("Did it learn?").is_visible()
        nodes = pages.run("teacher").deviation["node"].to_numpy().tolist()
        tables = " ".join(page.locator("#deviation table:visible").all_inner_texts())
        assert [name for name in nodes if name not in tables] == []
        assert fits(page)
    assert watched.strangers == []


def test_a_click_on_a_title_sorts_by_number_both_ways(browser: Browser, pages: Pages) -> None:
    deviation = pages.run("teacher").deviation
    rms = np.sqrt((deviation**2).mean("pass"))
    falling = np.asarray(deviation["node"])[np.argsort(-np.asarray(rms))].tolist()
    with opened(browser, pages.page("teacher")) as watched:
        page = settled(watched.page)
        table = page.locator("#deviation table.sortable").first
        head = table.locator("thead th", has_text="rms").first
        column = table.locator("thead th").all_inner_texts().index(head.inner_text())

        def order() -> tuple[list[str], list[float]]:
            rows = table.locator("tbody tr")
            keys = [
                float(row.locator("th, td").nth(column).get_attribute("data-key") or "nan")
                for row in rows.all()
            ]
            return [row.locator("th, td").first.inner_text() for row in rows.all()], keys

        assert head.get_attribute("aria-sort") == "none"
        head.get_by_role("button").click()
        names, keys = order()
        assert head.get_attribute("aria-sort") == "descending"
        assert names == falling
        np.testing.assert_allclose(keys, 1e3 * np.sort(rms)[::-1], rtol=1e-9)  # mV
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert order()[0] == falling[::-1]


def test_hovering_a_box_tells_its_numbers(browser: Browser, pages: Pages) -> None:
    loss = pages.run("teacher").results["loss"].sel(learner="ideal", epoch=1)
    median = float(np.quantile(loss, 0.5))
    with opened(browser, pages.page("teacher")) as watched:
        page = settled(watched.page)
        chart = page.locator("#losses .chart").first
        chart.scroll_into_view_if_needed()
        chart.locator(".boxlayer .box").first.hover(
            force=True
        )  # what catches the pointer lies above
        label = chart.locator(".hoverlayer .hovertext")
        label.first.wait_for()
        assert f"median {median:.3g}" in " ".join(label.all_text_contents())


def test_every_pass_is_a_point_with_its_number(browser: Browser, pages: Pages) -> None:
    """What traces have in common stands in the page once."""
    passes = pages.run("teacher").results.sizes["pass"]
    with opened(browser, pages.page("teacher")) as watched:
        page = settled(watched.page)
        chart = page.locator("#deviation .chart", has=page.locator(".scatterlayer")).nth(1)
        chart.scroll_into_view_if_needed()
        chart.locator(".scatterlayer .point").first.wait_for()
        assert chart.locator(".scatterlayer .point").count() == 2 * passes
        numbers = "box => box.data[0].customdata.map(([number]) => number)"
        assert chart.evaluate(numbers) == list(range(1, passes + 1))
    assert watched.complaints == []


def test_the_page_changes_from_light_to_dark_and_back(browser: Browser, pages: Pages) -> None:
    ink = "getComputedStyle(document.querySelector('.wave-chart .xtick text')).fill"
    paper = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, pages.page("teacher")) as watched:
        page = settled(watched.page)
        before = page.evaluate(ink), page.evaluate(paper)
        page.locator("#theme").click()
        page.wait_for_function(f"{ink} !== {before[0]!r}")
        after = page.evaluate(ink), page.evaluate(paper)
        assert after[1] != before[1]
        page.locator("#theme").click()
        page.wait_for_function(f"{ink} === {before[0]!r}")
        assert page.evaluate(paper) == before[1]
    assert watched.complaints == []


_WIDTHS = """() => [...document.querySelectorAll('.chart, .wave-chart')].map((box) => {
  const inside = box.getBoundingClientRect();
  const svg = box.querySelector('.main-svg')?.getBoundingClientRect();
  const ticks = [...box.querySelectorAll('.xtick text')].map((t) => t.getBoundingClientRect());
  return {
    place: inside.right, page: document.body.getBoundingClientRect().right,
    svg: svg && svg.right, ticks: Math.max(...ticks.map((t) => t.right)), width: inside.width,
  };
})"""


@pytest.mark.parametrize("name", ["teacher", "side"])
def test_paper_takes_every_chart_whole(browser: Browser, pages: Pages, name: str) -> None:
    """What a browser lays out for paper is narrower than its window; nothing may be cut off."""
    with opened(browser, pages.page(name), width=1280, color_scheme="dark") as watched:
        page = settled(watched.page)
        screen = page.evaluate(_WIDTHS)
        page.evaluate(f"addEventListener('beforeprint', () => {{ window.sized = ({_WIDTHS})(); }})")
        assert page.pdf(format="A4").startswith(b"%PDF")
        paper = page.evaluate("sized")
        assert len(paper) == len(screen) >= 10
        for chart in paper:
            assert chart["svg"] <= chart["place"] + 1 <= chart["page"] + 2  # px, of rounding
            assert chart["ticks"] <= chart["place"]
            assert chart["width"] <= 680
        assert max(chart["width"] for chart in screen) > 680
        before = json.dumps([chart["svg"] for chart in screen])
        page.wait_for_function(
            f"({_WIDTHS})().every(({{ svg }}, k) => Math.abs(svg - {before}[k]) < 1)"
        )
        assert page.evaluate("document.documentElement.className") == "scripted"
        assert page.evaluate("document.documentElement.dataset.theme ?? null") is None
        page.emulate_media(media="print")
        for place in page.locator(".wave-values, .scroll").all():
            hidden = "(place) => place.scrollHeight - place.clientHeight"
            assert place.evaluate(hidden) <= 1
            assert place.evaluate("(place) => getComputedStyle(place).overflow") == "visible"
    assert watched.complaints == []


def test_a_phone_shows_the_losses_and_that_tables_go_on(browser: Browser, pages: Pages) -> None:
    with opened(browser, pages.page("teacher"), width=PHONE, height=740) as watched:
        page = settled(watched.page)
        table = page.locator("#learned .scroll")
        titles = table.locator("thead th").all_inner_texts()
        assert titles[0] == "network"
        assert titles[1].startswith("loss (")
        assert titles[-1] == "engine"
        frame = table.bounding_box()
        assert frame
        for cell in table.locator("tbody tr > :nth-child(2)").all():
            box = cell.bounding_box()
            assert box
            assert box["x"] + box["width"] <= frame["x"] + frame["width"]
        layers = table.evaluate("(place) => getComputedStyle(place).backgroundAttachment")
        assert layers.split(", ") == ["local", "local", "scroll", "scroll"]


def test_the_waveforms_are_those_of_the_run(browser: Browser, pages: Pages) -> None:
    waves = pages.run("teacher").waveforms
    assert waves is not None
    scale = 1e3  # ms: the passes are whole
    instants = scale * np.atleast_1d(waves.attrs["sampling_instants"])
    with opened(browser, pages.page("teacher")) as watched:
        page = settled(watched.page)
        page.locator(".wave-chart .main-svg").first.wait_for()
        figure = page.evaluate(
            "(({ data, layout }) => ({ data, shapes: layout.shapes, notes: layout.annotations }))"
            "(document.querySelector('.wave-chart'))"
        )
        lines = [shape["x0"] for shape in figure["shapes"] if shape["name"] == "instant"]
        np.testing.assert_allclose(lines, instants, rtol=1e-6)
        (flips,) = (trace for trace in figure["data"] if trace["meta"] == "flips")
        np.testing.assert_allclose(flips["x"], scale * waves["flip_time"], atol=1e-6 * instants[-1])
        assert flips["text"] == [str(source) for source in waves["flip_source"].to_numpy()]
        assert len(flips["x"]) > 0
        row = page.locator(".wave-values tr[data-node=a3_1] td").all_inner_texts()
        sampled = np.interp(instants / scale, waves["time"], waves["a3_1"])
        assert row[:2] == [f"{volts:.5f} V" for volts in sampled]


def test_pictures_for_the_documentation_are_as_wide_as_asked(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(__file__).parents[1] / "examples" / "report_pictures.py"
    spec = importlib.util.spec_from_file_location("report_pictures", path)
    assert spec
    assert spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setenv("DANP_BROWSER", find_browser())
    # The driver of these tests runs in this thread, and a thread has one.
    with ThreadPoolExecutor(1) as apart:
        made = apart.submit(example.main, tmp_path, pages.folder / "teacher").result()
    widths = {p.name: int.from_bytes(p.read_bytes()[16:20], "big") for p in made}
    assert widths["report.png"] == 1200
    assert widths["report_dark_phone.png"] == 390
    assert 900 < widths["report_waveforms.png"] <= 1200
    monkeypatch.setenv("DANP_BROWSER", "nothing-here")
    with pytest.raises(SystemExit, match=r"no browser found \(nothing-here\)"):
        example.main(tmp_path, pages.folder / "teacher")


def test_a_browser_is_asked_for_by_name_or_found(tmp_path: Path) -> None:
    program = tmp_path / "browser"
    program.write_text("")
    program.chmod(0o755)
    assert find_browser({"DANP_BROWSER": str(program)}) == str(program)
    with pytest.raises(NoBrowserError, match="DANP_BROWSER=nothing-here: no such program"):
        find_browser({"DANP_BROWSER": "nothing-here"})


@pytest.mark.parametrize("required", [True, False])
def test_without_a_browser_tests_fail_only_where_one_is_required(
    monkeypatch: pytest.MonkeyPatch, required: bool
) -> None:
    monkeypatch.setenv("DANP_BROWSER", "nothing-here")
    monkeypatch.setenv("DANP_REQUIRE_BROWSER", str(int(required)))
    outcome = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(outcome, match="make browser"):
        next(browser_or_skip())
