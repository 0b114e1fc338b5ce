"use strict";
// The waveform viewer: buttons, list of nodes, table of values and keys around a figure.
// Once plotly is there, `WaveformViewer.mountAll()` fills every place that comes near the window; see
// waveform_view.py.

const WaveformViewer = (() => {
  const { element, button, swatch } = WaveformParts;
  const ZOOM = 0.5;
  const STEP = 0.25;

  // The page's colour of text says whether it is dark, however it came to be so.
  function theme(place) {
    const style = getComputedStyle(place);
    const ink = (style.color.match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).map(Number);
    return { ink, family: style.fontFamily, dark: 0.3 * ink[0] + 0.6 * ink[1] + 0.1 * ink[2] > 128 };
  }

  function mount(place, payload) {
    const whole = [0, payload.stop];
    const first = payload.traces.filter((trace) => trace.shown).map((trace) => trace.name);
    const view = {
      payload, shown: new Set(first), change: false, range: whole, width: 0,
      // A finger scrolls the page; the buttons zoom.
      drag: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      ...theme(place),
    };
    const chart = element("div", {
      class: "wave-chart", tabindex: "0", role: "group",
      "aria-label": `Waveforms over time, by ${payload.engine}. Arrow keys move, plus and minus ` +
        "zoom, 0 shows the whole; the values sampled are in the table below.",
    });
    const bar = element("div", { class: "wave-bar", role: "group", "aria-label": "Zoom" });
    const values = element("div", { class: "wave-values", tabindex: "0", role: "region",
      "aria-label": "Values at the sampling instants" });
    const stage = element("div", { class: "wave-stage" }, chart);
    const picker = WaveformParts.picker(view, first, draw);
    const body = element("div", { class: "wave-body" },
      element("div", { class: "wave-main" }, stage, values), picker.place);
    let cursor = null; // time
    let places = [];

    const zoomTo = (range) => {
      view.range = clipped(range, payload.stop);
      draw();
    };
    const scaled = (by) => {
      const [from, to] = view.range;
      const [middle, half] = [(from + to) / 2, ((to - from) / 2) * by];
      zoomTo([middle - half, middle + half]);
    };
    const moved = (by) => {
      const [from, to] = view.range;
      const shift = Math.min(Math.max(by * (to - from), -from), payload.stop - to);
      zoomTo([from + shift, to + shift]);
    };
    const before = (instant) =>
      zoomTo([instant.time - payload.look, instant.time + 0.04 * payload.look]);

    bar.append(button("whole", () => zoomTo(whole), { "data-zoom": "whole" }));
    payload.instants.forEach((instant, i) => bar.append(
      button(`sampling instant ${i + 1}`, () => before(instant), { "data-zoom": `instant${i + 1}` })));
    bar.append(
      button("zoom in", () => scaled(ZOOM), { "data-zoom": "in" }),
      button("zoom out", () => scaled(1 / ZOOM), { "data-zoom": "out" }),
      button("earlier", () => moved(-STEP), { "data-zoom": "earlier" }),
      button("later", () => moved(STEP), { "data-zoom": "later" }));
    if (payload.instants.length && payload.panels.some((panel) => panel.kind === "pre")) {
      const change = button("change since the sample (mV)", () => {
        view.change = !view.change;
        change.setAttribute("aria-pressed", String(view.change));
        draw();
      }, { "aria-pressed": "false", "data-change": "", title: "Draws each pre-activation minus the value " +
        "that the network samples of it at the end of the same pass, in mV. At the sampling instant " +
        "it is 0; noise of a few mV, which is lost beside a signal of volts, can then be seen." });
      bar.append(change);
    }
    const about = [`Simulated by ${payload.engine}.`, "Drag across a panel to zoom, double click for the whole.",
      ...payload.notes].map((text) => element("p", { class: "wave-note" }, text));
    place.replaceChildren(bar, body, ...about);

    chart.addEventListener("keydown", (event) => {
      const keys = {
        ArrowLeft: () => moved(-STEP), ArrowRight: () => moved(STEP), "+": () => scaled(ZOOM),
        "=": () => scaled(ZOOM), "-": () => scaled(1 / ZOOM), 0: () => zoomTo(whole),
      };
      if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });

    function draw() {
      view.width = Math.floor(chart.clientWidth);
      if (!view.width) return;
      Object.assign(view, theme(place));
      const { data, layout, places: panels } = WaveformFigure.build(view);
      places = panels;
      view.plot = { left: layout.margin.l, right: view.width - layout.margin.r };
      Plotly.react(chart, data, layout, {
        doubleClick: false, displaylogo: false, scrollZoom: false, responsive: false,
        modeBarButtons: [["zoom2d", "pan2d", "toImage"]],
      });
      picker.refresh();
      tabulate();
    }

    function tabulate() {
      const traces = payload.traces.filter((trace) => view.shown.has(trace.name));
      const named = payload.instants.map((instant) =>
        `${instant.label}, ${WaveformParts.rounded(instant.time, payload.time_unit)}`);
      const titles = ["node", ...named];
      titles.push(cursor === null ? "at the cursor" : `at ${WaveformParts.rounded(cursor, payload.time_unit)}`);
      const cells = (trace) => [
        ...trace.sampled.map((value) => WaveformFigure.format(value, trace)), atCursor(trace)];
      const rows = traces.map((trace) => element("tr", { "data-node": trace.name },
        element("th", { scope: "row" }, swatch(WaveformFigure.look(payload, trace.name, view.dark)),
          ` ${trace.name}`),
        ...cells(trace).map((text) => element("td", {}, text))));
      const head = element("tr", {}, ...titles.map((text) => element("th", { scope: "col" }, text)));
      values.replaceChildren(element("table", {},
        element("caption", {}, "Values at the sampling instants, and where the cursor is."),
        element("thead", {}, head), element("tbody", {}, ...rows)));
    }

    function atCursor(trace) {
      const value = cursor === null ? null : WaveformFigure.valueAt(payload, trace, cursor);
      return value === null ? "–" : WaveformFigure.format(value, trace);
    }

    draw();
    chart.on("plotly_relayout", (changed) => {
      if ("dragmode" in changed) view.drag = changed.dragmode;
      if ("xaxis.range[0]" in changed) {
        zoomTo([Number(changed["xaxis.range[0]"]), Number(changed["xaxis.range[1]"])]);
      }
    });
    chart.on("plotly_doubleclick", () => zoomTo(whole));
    WaveformParts.cursor(stage, view, () => places, (time) => {
      cursor = time;
      tabulate();
    });
    const later = () => requestAnimationFrame(() => {
      if (Math.floor(chart.clientWidth) !== view.width) draw();
    });
    new ResizeObserver(later).observe(body);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    for (const moment of ["beforeprint", "afterprint"]) addEventListener(moment, draw);
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  // A window within the whole, and no shorter than a hundred-thousandth of it.
  function clipped([from, to], stop) {
    const least = stop / 1e5;
    const middle = (from + to) / 2;
    const wide = to - from < least ? [middle - least / 2, middle + least / 2] : [from, to];
    return [Math.max(wide[0], 0), Math.min(wide[1], stop)];
  }

  function mountAll() {
    const waiting = new Set(document.querySelectorAll(".waveform-viewer[data-run]"));
    const fill = (place) => {
      const run = CSS.escape(place.dataset.run);
      const data = document.querySelector(`script.waveform-data[data-run="${run}"]`);
      if (data && waiting.delete(place)) mount(place, JSON.parse(data.textContent));
    };
    const near = new IntersectionObserver((entries) => {
      entries.filter((entry) => entry.isIntersecting).forEach((entry) => fill(entry.target));
    }, { rootMargin: "800px" });
    waiting.forEach((place) => near.observe(place));
    addEventListener("beforeprint", () => waiting.forEach(fill));
  }

  return { mount, mountAll };
})();
