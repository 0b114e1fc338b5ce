"use strict";
// Parts of the waveform viewer: the list of nodes, and the cursor with its read-out.

const WaveformParts = (() => {
  const DASHES = { solid: "", dash: "7 3", dashdot: "7 3 2 3", dot: "2 3" };
  const ROWS = 12; // of the read-out, at most
  const NEAR = 9; // px around a flip

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function button(text, does, attributes = {}) {
    const made = element("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", does);
    return made;
  }

  function swatch({ colour, dash }) {
    const space = "http://www.w3.org/2000/svg";
    const drawing = document.createElementNS(space, "svg");
    drawing.setAttribute("class", "wave-swatch");
    drawing.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(space, "line");
    const attributes = { x1: 0, x2: 30, y1: 4, y2: 4, stroke: colour, "stroke-width": 2.5 };
    for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, value);
    if (DASHES[dash]) line.setAttribute("stroke-dasharray", DASHES[dash]);
    drawing.append(line);
    return drawing;
  }

  // Boxes to tick, by kind and layer, with a search.
  function picker(view, first, draw) {
    const { payload } = view;
    const names = payload.traces.map((trace) => trace.name);
    const summary = element("summary");
    const search = element("input", { type: "search", placeholder: "find a node", "aria-label": "find a node" });
    const status = element("p", { class: "wave-note", "aria-live": "polite" });
    const groups = element("div", { class: "wave-groups" });
    const boxes = new Map();
    const show = (which, on) => {
      for (const name of which) {
        if (on) view.shown.add(name);
        else view.shown.delete(name);
      }
      draw();
    };
    const all = element("div", { class: "wave-bar" },
      button("all", () => show(names, true), { "data-pick": "all" }),
      button("none", () => show(names, false), { "data-pick": "none" }),
      button("as at first", () => {
        view.shown.clear();
        show(first, true);
      }, { "data-pick": "first" }));
    for (const group of new Set(payload.traces.map((trace) => trace.group))) {
      const mine = payload.traces.filter((trace) => trace.group === group).map((t) => t.name);
      const grid = element("div", { class: "wave-names" });
      for (const name of mine) {
        const box = element("input", { type: "checkbox", value: name });
        box.addEventListener("change", () => show([name], box.checked));
        const label = element("label", {}, box, name);
        boxes.set(name, { box, label });
        grid.append(label);
      }
      const fieldset = element("fieldset", {}, element("legend", {}, group));
      if (mine.length > 1) {
        const found = () => mine.filter((name) => !boxes.get(name).label.hidden);
        fieldset.append(element("div", { class: "wave-bar" },
          button("all", () => show(found(), true), { "aria-label": `all of ${group}` }),
          button("none", () => show(found(), false), { "aria-label": `none of ${group}` })));
      }
      fieldset.append(grid);
      groups.append(fieldset);
    }
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLowerCase();
      let found = 0;
      for (const [name, { label }] of boxes) {
        label.hidden = !name.toLowerCase().includes(wanted);
        found += label.hidden ? 0 : 1;
      }
      for (const fieldset of groups.children) {
        fieldset.hidden = !fieldset.querySelector("label:not([hidden])");
      }
      status.textContent = wanted ? `${found} of ${names.length} nodes found` : "";
    });
    const place = element("details", { class: "wave-picker" }, summary, search, status, all, groups);
    place.open = matchMedia("(min-width: 761px)").matches;
    const refresh = () => {
      summary.textContent = `Nodes: ${view.shown.size} of ${names.length} shown`;
      for (const [name, { box, label }] of boxes) {
        box.checked = view.shown.has(name);
        label.querySelector("svg")?.remove();
        label.append(swatch(WaveformFigure.look(payload, name, view.dark)));
      }
    };
    return { place, refresh };
  }

  // A line at the pointer, and a box with the values there: of the panel that it is in, read off
  // the lines between points; or the flips that it is next to.
  function cursor(stage, view, places, told) {
    const line = element("div", { class: "wave-line", hidden: "" });
    const box = element("div", { class: "wave-box", hidden: "" });
    stage.append(line, box);
    const hide = () => {
      line.hidden = box.hidden = true;
      told(null);
    };
    const move = (event) => {
      const frame = stage.getBoundingClientRect();
      const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
      const { left, right } = view.plot;
      const all = places();
      const place = all.find((one) => y >= one.top - WaveformFigure.GAP && y <= one.top + one.height);
      if (x < left || x > right || !place) return hide();
      const [from, to] = view.range;
      const scale = (to - from) / (right - left);
      const time = from + (x - left) * scale;
      const last = all[all.length - 1];
      Object.assign(line.style, { left: `${x}px`, top: `${all[0].top}px`,
        height: `${last.top + last.height - all[0].top}px` });
      box.replaceChildren(...(place.panel ? readings(view, place.panel, time)
        : flips(view.payload, time, NEAR * scale)));
      line.hidden = false;
      box.hidden = !box.childElementCount;
      const onTheLeft = x > (left + right) / 2;
      Object.assign(box.style, {
        background: view.dark ? "#1d2127" : "#ffffff",
        left: onTheLeft ? "auto" : `${x + 12}px`,
        right: onTheLeft ? `${frame.width - x + 12}px` : "auto",
        top: `${place.panel ? place.top : place.top - 40}px`,
      });
      told(time);
    };
    stage.addEventListener("pointermove", move);
    stage.addEventListener("pointerdown", move);
    stage.addEventListener("pointerleave", hide);
  }

  const rounded = (time, unit) => `${Number(time.toPrecision(5))} ${unit}`;

  function readings(view, panel, time) {
    const { payload } = view;
    const rows = panel.traces.slice(0, ROWS).map((trace) => {
      const value = WaveformFigure.valueAt(payload, trace, time);
      const drawn = value === null ? null : panel.shape(trace, value, time);
      const text = drawn === null ? "–" : panel.unit === "mV"
        ? `${drawn.toFixed(3)} mV` : WaveformFigure.format(value, trace);
      return element("div", {}, swatch(WaveformFigure.look(payload, trace.name, view.dark)),
        element("span", {}, trace.name), element("b", {}, text));
    });
    const more = panel.traces.length - rows.length;
    if (more > 0) rows.push(element("div", {}, `and ${more} more in the table`));
    return [element("div", {}, rounded(time, payload.time_unit)), ...rows];
  }

  function flips(payload, time, near) {
    return payload.flips.filter((flip) => Math.abs(flip.time - time) <= near).slice(0, ROWS)
      .map((flip) => element("div", {},
        `${flip.source} flips at ${rounded(flip.time, payload.time_unit)}`));
  }

  return { element, button, swatch, picker, cursor, rounded };
})();
