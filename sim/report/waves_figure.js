"use strict";
// From a view of waveforms to a figure of plotly's: plain data in, plain data out.
//
// A view: {payload, shown: Set of names, change: bool, range: [from, to], width: px, ink: [r, g, b],
// dark: bool}. Panels stand one above the other on one axis of time; their heights are fixed in px.

const WaveformFigure = (() => {
  // Okabe and Ito's palette, told apart without colour vision; curves differ in dash as well.
  const LIGHT = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07500", "#2D8BC0", "#000000"];
  const DARK = ["#56B4E9", "#F08C4A", "#2FC79A", "#E29BC4", "#E69F00", "#9AD2F2", "#FFFFFF"];
  const DASHES = ["solid", "dash", "dashdot", "dot"];
  const GAP = 30; // px between panels; holds the title
  const TOP = 40;
  const LANE = 24; // px of a junction's lane
  const STRIP = 22; // px of the flips
  const NARROW = 640; // px; a chart of less width has no legend beside it
  const SETTLING = 0.05; // of a pass, in which new inputs settle: far beyond what noise does

  // plotly reads some HTML in the texts of a figure.
  const plain = (text) =>
    String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // A node's look stays the same, whatever else is shown.
  function look(payload, name, dark) {
    const trace = payload.traces.find((one) => one.name === name);
    const place = payload.traces.filter((one) => one.kind === trace.kind).indexOf(trace);
    const palette = dark ? DARK : LIGHT;
    return { colour: palette[place % palette.length], dash: DASHES[place % DASHES.length] };
  }

  function format(value, trace) {
    return trace.kind === "state" ? value.toFixed(0) : `${value.toFixed(5)} V`;
  }

  // The value at a time, on the line between the points beside it; none outside.
  function valueAt(payload, trace, time) {
    const { at, values } = trace;
    const times = payload.times;
    if (time < times[at[0]] || time > times[at[at.length - 1]]) return null;
    let low = 0;
    let high = at.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[at[middle]] <= time) low = middle;
      else high = middle;
    }
    const [t0, t1] = [times[at[low]], times[at[high]]];
    if (t1 <= t0) return values[high];
    return values[low] + ((values[high] - values[low]) * (time - t0)) / (t1 - t0);
  }

  // The pass that a time is in, from 0; as many as there are behind the last sampling instant.
  function passAt(payload, time) {
    const found = payload.instants.findIndex((instant) => time <= instant.time);
    return found < 0 ? payload.instants.length : found;
  }

  // How far a value is from that sampled at the end of its pass, mV; null behind the last one.
  function fromSample(payload, trace, value, time) {
    const sampled = trace.sampled[passAt(payload, time)];
    return sampled === undefined || value === null ? null : 1e3 * (value - sampled);
  }

  // Whether the inputs of a pass have settled.
  function settled(payload, time) {
    const k = passAt(payload, time);
    if (k === payload.instants.length) return false;
    const begin = k ? payload.instants[k - 1].time : 0;
    return time >= begin + SETTLING * (payload.instants[k].time - begin);
  }

  // Lowest and highest within a window, with some air; null where nothing is in it.
  function extent({ payload, range: [from, to] }, { traces, shape, unit }, counts = () => true) {
    const least = unit === "mV" ? 1e-2 : 1e-5; // 10 µV; the values come in steps of 1 µV
    let low = Infinity;
    let high = -Infinity;
    for (const trace of traces) {
      const points = [from, to].map((time) => [time, valueAt(payload, trace, time)]);
      trace.at.forEach((k, i) => points.push([payload.times[k], trace.values[i]]));
      for (const [time, value] of points) {
        if (value === null || time < from || time > to || !counts(time)) continue;
        const drawn = shape(trace, value, time);
        if (drawn === null) continue;
        low = Math.min(low, drawn);
        high = Math.max(high, drawn);
      }
    }
    if (low > high) return null;
    const air = Math.max(0.08 * (high - low), least);
    return [low - air, high + air];
  }

  function panelsOf(view) {
    const { payload } = view;
    const panels = [];
    for (const panel of payload.panels) {
      const traces = payload.traces.filter((t) => t.kind === panel.kind && view.shown.has(t.name));
      if (!traces.length) continue;
      const lanes = panel.kind === "state";
      const change = panel.kind === "pre" && view.change;
      const unit = change ? "mV" : panel.unit;
      panels.push({
        ...panel,
        traces,
        lanes,
        height: lanes ? Math.max(LANE * traces.length, 2 * LANE) : view.width < NARROW ? 104 : 140,
        title: (change ? `${panel.title}: change since the sample of the pass` : panel.title) +
          (lanes ? ": high is antiparallel" : unit ? ` (${unit})` : ""),
        unit,
        // What is drawn of a value. Junctions have a lane each, the first on top.
        shape: lanes
          ? (trace, value) => traces.length - 1 - traces.indexOf(trace) + 0.7 * value
          : change
            ? (trace, value, time) => fromSample(payload, trace, value, time)
            : (_, value) => value,
        extent() {
          const all = () => extent(view, this) ?? [-1, 1];
          return change ? extent(view, this, (time) => settled(payload, time)) ?? all() : all();
        },
      });
    }
    return panels;
  }

  function curve(view, panel, trace, k) {
    const { payload } = view;
    const { colour, dash } = look(payload, trace.name, view.dark);
    return {
      type: "scatter", mode: "lines", name: plain(trace.name), meta: "node",
      x: trace.at.map((i) => payload.times[i]),
      y: trace.values.map((value, i) => panel.shape(trace, value, payload.times[trace.at[i]])),
      xaxis: "x", yaxis: axisOf(k),
      legend: k ? `legend${k + 1}` : "legend",
      line: { color: colour, width: 1.8, dash: panel.lanes ? "solid" : dash },
    };
  }

  function dots(view, panel, k) {
    const points = panel.traces.flatMap((trace) =>
      view.payload.instants.map((instant, i) => ({
        x: instant.time,
        y: panel.shape(trace, trace.sampled[i], instant.time),
        colour: look(view.payload, trace.name, view.dark).colour,
      })));
    return {
      type: "scatter", mode: "markers", name: "sampled", meta: "sampled",
      x: points.map((p) => p.x), y: points.map((p) => p.y), xaxis: "x", yaxis: axisOf(k),
      marker: { color: points.map((p) => p.colour), size: 7, symbol: "circle" },
      showlegend: false, cliponaxis: false,
    };
  }

  function ticks(view, k) {
    const { flips } = view.payload;
    return {
      type: "scatter", mode: "markers", name: "flips", meta: "flips",
      x: flips.map((flip) => flip.time), y: flips.map(() => 0.5), xaxis: "x", yaxis: axisOf(k),
      text: flips.map((flip) => plain(flip.source)),
      marker: {
        symbol: "triangle-up", size: 11, color: view.dark ? DARK[1] : LIGHT[1],
        line: { color: rgba(view.ink, 1), width: 1 },
      },
      showlegend: false, cliponaxis: false,
    };
  }

  // On which side of its line a label has room.
  function side(time, [from, to]) {
    const place = (time - from) / (to - from);
    return place > 0.9 ? "right" : place < 0.1 ? "left" : "center";
  }

  const axisOf = (k) => (k ? `y${k + 1}` : "y");
  const rgba = (ink, alpha) => `rgba(${ink.join(", ")}, ${alpha})`;

  function build(view) {
    const { payload } = view;
    const panels = panelsOf(view);
    const narrow = view.width < NARROW;
    const flips = payload.flips.length > 0;
    const margin = { l: narrow ? 52 : 64, r: narrow ? 14 : 96, t: TOP + 8, b: 48, autoexpand: false };
    const heights = panels.map((panel) => panel.height).concat(flips ? [STRIP] : []);
    const inner = Math.max(heights.reduce((sum, h) => sum + h + GAP, -GAP), 60);
    const grid = rgba(view.ink, 0.16);
    const layout = {
      height: inner + margin.t + margin.b, width: view.width, margin, autosize: false,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: rgba(view.ink, 1), size: 12, family: view.family },
      hovermode: false, dragmode: view.drag, showlegend: !narrow,
      modebar: { bgcolor: "rgba(0,0,0,0)", color: rgba(view.ink, 0.6), activecolor: rgba(view.ink, 1) },
      xaxis: {
        range: [...view.range], // plotly writes into it
        title: { text: `time (${payload.time_unit})`, standoff: 8 },
        anchor: "free", position: 0, gridcolor: grid, zeroline: false, nticks: narrow ? 5 : 10,
      },
      shapes: payload.instants.map((instant) => ({
        type: "line", name: "instant", xref: "x", yref: "paper", x0: instant.time,
        x1: instant.time, y0: 0, y1: 1,
        line: { color: rgba(view.ink, 0.75), width: 1.3, dash: "dash" },
      })),
      annotations: payload.instants.map((instant) => ({
        text: `${plain(instant.label)}${narrow ? "" : " sampled"}`, xref: "x", yref: "paper",
        x: instant.time, y: 1, yshift: 16, yanchor: "bottom", showarrow: false, font: { size: 11 },
        xanchor: side(instant.time, view.range),
      })),
    };
    const data = [];
    const places = []; // of panels, px from the top of the chart
    let top = inner;
    heights.forEach((height, k) => {
      const panel = panels[k];
      const domain = [Math.max((top - height) / inner, 0), Math.min(top / inner, 1)];
      places.push({ panel: panel ?? null, top: margin.t + inner - top, height });
      top -= height + GAP;
      const axis = { domain, anchor: "x", fixedrange: true, gridcolor: grid, zeroline: false };
      const name = `yaxis${k ? k + 1 : ""}`;
      layout.annotations.push({
        text: panel ? panel.title : "flips of the noise", xref: "paper", yref: "paper", x: 0,
        y: domain[1], xanchor: "left", yanchor: "bottom", showarrow: false, font: { size: 12 },
      });
      if (!panel) {
        layout[name] = { ...axis, range: [0, 1], showgrid: false, showticklabels: false };
        data.push(ticks(view, k));
        return;
      }
      const count = panel.traces.length;
      layout[name] = panel.lanes
        ? {
          ...axis, range: [-0.2, count], showgrid: false,
          tickvals: panel.traces.map((t) => panel.shape(t, 0.5)),
          ticktext: panel.traces.map((t) => plain(t.name)),
        }
        : {
          ...axis, nticks: 5,
          range: panel.extent(),
        };
      layout[k ? `legend${k + 1}` : "legend"] = {
        x: 1.01, y: domain[1], yanchor: "top", xanchor: "left", font: { size: 11 },
        itemclick: false, itemdoubleclick: false, bgcolor: "rgba(0,0,0,0)", tracegroupgap: 0,
        maxheight: panel.height + GAP,
      };
      for (const trace of panel.traces) {
        data.push({ ...curve(view, panel, trace, k), showlegend: !panel.lanes });
      }
      data.push(dots(view, panel, k));
    });
    return { data, layout, places };
  }

  return { build, look, format, valueAt, GAP };
})();
