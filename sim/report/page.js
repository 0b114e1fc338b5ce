"use strict";
/* Charts when they come into view, tables that sort, light and dark, commands to copy. */
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const drawn = new Set();
  let plotly = null;

  // --- charts ------------------------------------------------------------------------------
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // The palette's darkest two, lighter where the page is dark.
  const LIGHTER = [["#0072B2", "#4BA3E3"], ["#D55E00", "#F0843C"]];

  /** A trace with what its layout keeps once for several. */
  const whole = (trace, figure) => ({ ...figure.layout.meta?.[trace.meta], ...trace });

  /** A figure's traces, readable on the page. */
  function traces(figure) {
    const data = figure.data.map((trace) => whole(trace, figure));
    if (!isDark()) return structuredClone(data);
    const text = LIGHTER.reduce((t, [a, b]) => t.replaceAll(a, b), JSON.stringify(data));
    return JSON.parse(text);
  }

  /** A figure's layout in the colours of the page and the width of the screen. */
  function dressed(figure) {
    const ink = colour("--ink"), grid = colour("--grid"), line = colour("--line");
    const layout = structuredClone(figure.layout);
    Object.assign(layout, {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, family: "system-ui, sans-serif", size: 12 },
      hoverlabel: { bgcolor: colour("--panel"), bordercolor: line, font: { color: ink } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: line, activecolor: ink },
      autosize: true,
      dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
    });
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) {
        Object.assign(layout[key], { gridcolor: grid, linecolor: line, zerolinecolor: line });
      }
    }
    for (const note of layout.annotations || []) note.bgcolor = colour("--paper");
    return layout;
  }

  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
  };

  function draw(box) {
    if (!plotly || drawn.has(box)) return;
    drawn.add(box);
    dress(box);
  }

  /** Draw a figure as wide as its box, with the traces of the view that is chosen. */
  function dress(box) {
    const figure = figures[box.dataset.chart];
    const choice = document.querySelector(`select[data-chart="${box.dataset.chart}"]`);
    const chosen = choice && new Set(choice.value.split(",").map(Number));
    const data = traces(figure).map((t, k) => (chosen ? { ...t, visible: chosen.has(k) } : t));
    plotly.react(box, data, dressed(figure), config);
  }

  const boxes = [...document.querySelectorAll(".chart")];
  const inView = new IntersectionObserver(
    (entries) => entries.filter((e) => e.isIntersecting).forEach((e) => draw(e.target)),
    { rootMargin: "400px" },
  );
  document.querySelectorAll("select[data-chart]").forEach((select) => {
    select.addEventListener("change", () => {
      const box = document.getElementById(`chart-${select.dataset.chart}`);
      if (drawn.has(box)) dress(box);
    });
  });

  // --- paper ---------------------------------------------------------------------------------
  // The page takes the width of the paper before it is printed, and so do its charts, in light
  // colours; the waveform viewers, which listen after this, do likewise.
  let themeOnScreen;
  window.addEventListener("beforeprint", () => {
    if (root.classList.contains("printing")) return;
    root.classList.add("printing");
    themeOnScreen = root.dataset.theme;
    root.dataset.theme = "light";
    if (!plotly) return;
    boxes.filter((box) => box.clientWidth).forEach((box) => {
      drawn.add(box);
      dress(box);
    });
  });
  window.addEventListener("afterprint", () => {
    root.classList.remove("printing");
    if (themeOnScreen) root.dataset.theme = themeOnScreen;
    else delete root.dataset.theme;
    drawn.forEach(dress);
  });

  // --- plotly, which the page carries packed -------------------------------------------------
  async function unpack() {
    const packed = atob(document.getElementById("plotly").textContent.trim());
    const bytes = Uint8Array.from(packed, (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    if (!window.Plotly) throw new Error("plotly did not start");
    plotly = window.Plotly;
  }

  unpack()
    .then(() => {
      boxes.forEach((box) => inView.observe(box));
      WaveformViewer.mountAll();
      root.dataset.charts = "ready";
    })
    .catch((error) => {
      const place = document.getElementById("trouble");
      place.textContent = `Charts cannot be drawn in this browser (${error.message}). All texts and tables are below.`;
      place.hidden = false;
      root.classList.remove("scripted");
    });

  // --- light and dark ------------------------------------------------------------------------
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const button = document.getElementById("theme");
  function name() {
    button.textContent = isDark() ? "light page" : "dark page";
  }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("danp-theme", root.dataset.theme);
    } catch (error) { /* not every browser keeps things for files */ }
    name();
    drawn.forEach(dress);
  });
  dark.addEventListener("change", () => { name(); drawn.forEach(dress); });
  name();

  // --- tables --------------------------------------------------------------------------------
  const order = new Intl.Collator("en", { numeric: true });

  /** What a cell sorts by; cells without a figure come last either way. */
  function key(cell) {
    if (cell.dataset.key === undefined) return cell.textContent;
    const value = Number(cell.dataset.key);
    return Number.isNaN(value) ? null : value;
  }

  function sort(table, column, falling) {
    const body = table.tBodies[0];
    const sign = falling ? -1 : 1;
    const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : order.compare(a, b));
    });
    body.append(...rows.map(([, row]) => row));
    [...table.tHead.rows[0].cells].forEach((cell, k) => {
      cell.ariaSort = k !== column ? "none" : falling ? "descending" : "ascending";
    });
  }

  document.querySelectorAll("table.sortable").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const press = document.createElement("button");
      press.type = "button";
      press.className = "sort";
      press.textContent = head.textContent;
      head.replaceChildren(press);
      press.addEventListener("click", () => {
        const now = head.ariaSort;
        const falling = now === "none" ? head.classList.contains("number") : now === "ascending";
        sort(table, column, falling);
      });
    });
  });

  // --- commands ------------------------------------------------------------------------------
  document.querySelectorAll(".copy").forEach((press) => {
    press.addEventListener("click", async () => {
      const code = press.previousElementSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
        press.textContent = "copied";
      } catch (error) {
        getSelection().selectAllChildren(code);
        press.textContent = "selected: press Ctrl-C";
      }
      setTimeout(() => { press.textContent = "copy"; }, 2500);
    });
  });
})();
