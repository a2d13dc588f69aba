// Distribution of a field by system: a strip of clips over a box of the quartiles, mean and interval. A click opens the clip.
"use strict";

(() => {
  const run = Shards.get("run");
  if (!run) return;
  const MOST_DOTS = 160;
  const ROW = 46;
  const NARROW_ROW = 58;
  const ROOM = 56;

  // Clips of each system, once.
  const clipsOf = run.systems.map(() => []);
  run.clips.system.forEach((system, clip) => clipsOf[system].push(clip));

  /** Spread dots a little, always in the same way. */
  function jitter(clip) {
    const x = Math.sin(clip * 12.9898 + 4.1414) * 43758.5453;
    return (x - Math.floor(x) - 0.5);
  }

  /** At most MOST_DOTS clips, evenly over the sorted values, ends included: their shape stays, the page stays fast. */
  function thin(clips, values) {
    const known = clips.filter((clip) => values[clip] !== null);
    if (known.length <= MOST_DOTS) return known;
    known.sort((a, b) => values[a] - values[b]);
    return Array.from({ length: MOST_DOTS }, (_, i) => known[Math.round((i * (known.length - 1)) / (MOST_DOTS - 1))]);
  }

  function draw(plotly, element) {
    const number = Number(element.dataset.column);
    const column = run.columns[number];
    const values = run.values[number];
    const count = run.systems.length;
    const narrow = element.clientWidth < 460;
    const half = narrow ? 0.2 : 0.27;
    const crowded = Math.max(...column.boxes.map((box) => box.scored)) > 60;
    const isControl = (system) => run.systems[system].role !== "system";
    const [accent, soft, ink, mark] = ["accent", "floor", "ink", "mark"].map(Theme.colour);
    const dots = { x: [], y: [], customdata: [], text: [], colour: [] };
    const group = (colour) => ({ x: [], y: [], up: [], down: [], text: [], colour });
    const means = { system: group(mark), control: group(soft) };
    const shapes = [];
    const labels = [];
    let thinned = 0;

    run.systems.forEach((system, s) => {
      const row = count - 1 - s;
      const box = column.boxes[s];
      const colour = isControl(s) ? soft : accent;
      const chosen = thin(clipsOf[s], values);
      if (chosen.length < box.scored) thinned += 1;
      for (const clip of chosen) {
        dots.x.push(values[clip]);
        dots.y.push(row + 1.3 * half * jitter(clip));
        dots.customdata.push(clip);
        dots.colour.push(colour);
        dots.text.push(`${Report.plain(run.samples.id[run.clips.sample[clip]])}<br>${Report.plain(system.label)}`);
      }
      if (box.quartiles) {
        const [low, middle, high] = box.quartiles;
        shapes.push({ type: "rect", x0: low, x1: high, y0: row - half, y1: row + half, line: { width: 0 }, fillcolor: colour, opacity: 0.16, layer: "below" });
        shapes.push({ type: "line", x0: middle, x1: middle, y0: row - half, y1: row + half, line: { width: 1.5, color: colour }, layer: "below" });
      }
      if (box.mean !== null) {
        const to = means[isControl(s) ? "control" : "system"];
        const interval = box.interval ? ` [${box.interval.map((v) => Report.number(v, column.digits)).join(", ")}]` : "";
        to.x.push(box.mean);
        to.y.push(row);
        to.up.push(box.interval ? box.interval[1] - box.mean : 0);
        to.down.push(box.interval ? box.mean - box.interval[0] : 0);
        to.text.push(`${Report.plain(system.label)}<br>mean ${Report.number(box.mean, column.digits)}${interval}<br>${box.scored} of ${box.attempted} clips`);
      }
      if (narrow) {
        labels.push({ xref: "paper", x: 0, xanchor: "left", y: row + 0.37, yanchor: "middle", showarrow: false, text: Report.plain(system.label), font: { size: 12, color: ink } });
      }
    });
    const unit = column.unit ? ` (${Report.plain(column.unit)})` : "";
    const note = thinned ? ` · dots: ${MOST_DOTS} clips a system, boxes: all` : "";
    const layout = Theme.layout({
      height: count * (narrow ? NARROW_ROW : ROW) + ROOM,
      xaxis: { title: { text: `${column.field}${unit}${note}`, font: { size: 12 } }, zeroline: column.direction === "zero" },
      yaxis: {
        range: [-0.6, count - 0.35],
        tickvals: run.systems.map((_, s) => count - 1 - s),
        ticktext: run.systems.map((system) => Report.plain(system.label, 24)),
        showticklabels: !narrow,
        showgrid: false,
        zeroline: false,
        ticks: "",
        fixedrange: true,
      },
      hovermode: "closest",
      shapes,
      annotations: labels,
    });
    layout.xaxis.fixedrange = true;
    const traces = [
      {
        type: "scatter", mode: "markers", x: dots.x, y: dots.y, customdata: dots.customdata, text: dots.text,
        marker: { size: crowded ? 5 : 7, color: dots.colour, opacity: crowded ? 0.35 : 0.6, line: { width: 0.5, color: Theme.colour("card") } },
        hovertemplate: `%{text}<br>${column.field} %{x:.${column.digits}f}<extra></extra>`,
      },
      ...Object.values(means).map((part) => ({
        type: "scatter", mode: "markers", x: part.x, y: part.y, text: part.text,
        marker: { symbol: "diamond", size: 9, color: part.colour, line: { width: 1, color: Theme.colour("card") } },
        error_x: { type: "data", symmetric: false, array: part.up, arrayminus: part.down, color: part.colour, thickness: 2, width: 0 },
        hovertemplate: "%{text}<extra></extra>",
      })),
    ];
    element.style.height = `${layout.height}px`; // what plotly returns to when the window changes
    plotly.react(element, traces, layout, Theme.config);
    if (element.dataset.ready) return;
    element.dataset.ready = "yes";
    element.on("plotly_click", (event) => {
      const clip = event.points[0].customdata;
      if (clip !== undefined) window.location.href = Report.clipLink(run, clip);
    });
    const pointer = (cursor) => () => { for (const layer of element.querySelectorAll(".nsewdrag")) layer.style.cursor = cursor; };
    element.on("plotly_hover", pointer("pointer"));
    element.on("plotly_unhover", pointer(""));
  }

  const plots = [...document.querySelectorAll(".plot[data-column]")];

  function show(element) {
    Report.plotly("").then(
      (plotly) => draw(plotly, element),
      (error) => { element.textContent = error.message; },
    );
  }

  Report.whenNear(plots, show);
  Theme.onChange(() => plots.filter((plot) => plot.dataset.ready).forEach(show));

  for (const group of document.querySelectorAll(".choices")) {
    group.hidden = false;
    const plot = group.parentElement.querySelector(".plot");
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      for (const other of group.querySelectorAll("button")) other.setAttribute("aria-pressed", `${other === button}`);
      plot.dataset.column = button.dataset.column;
      show(plot);
    });
  }
})();
