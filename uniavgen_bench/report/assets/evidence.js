// Evidence of one clip: curves over its time with a line that follows the player, and curves over the lag.
"use strict";

const Evidence = (() => {
  const COLOURS = ["accent", "mark", "good", "floor"];
  let items = [];
  let duration = null;
  let player = null;
  let plots = [];
  let followers = [];
  let root = "";

  /** Curves of one unit share an axis; a second unit takes the right side; more are drawn in rows. */
  function overTime(curves) {
    const units = [...new Set(curves.map((curve) => curve.unit))];
    const rows = units.length > 2 ? units.length : 1;
    const layout = {
      height: rows > 1 ? 110 * rows + 60 : 240,
      xaxis: { title: { text: "time (s)", font: { size: 12 } }, fixedrange: true, zeroline: false, anchor: rows > 1 ? `y${rows}` : "y" },
      hovermode: "x",
      margin: { l: 8, r: 8, t: 30, b: 36 },
      showlegend: true,
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", font: { size: 12 } },
    };
    units.forEach((unit, u) => {
      const axis = { fixedrange: true, zeroline: false, tickmode: "auto", nticks: 5, title: { text: Report.plain(unit), font: { size: 12 } } };
      if (rows > 1) axis.domain = [1 - (u + 0.88) / rows, 1 - u / rows];
      else if (u === 1) Object.assign(axis, { overlaying: "y", side: "right", showgrid: false });
      layout[u ? `yaxis${u + 1}` : "yaxis"] = axis;
    });
    if (duration) {
      const last = Math.max(...curves.map((curve) => curve.t.at(-1) ?? 0));
      layout.xaxis.range = [0, Math.max(duration, last)];
    }
    const traces = curves.map((curve, i) => {
      const u = units.indexOf(curve.unit);
      return {
        type: "scatter", mode: "lines", x: curve.t, y: curve.y, name: Report.plain(curve.name), yaxis: u ? `y${u + 1}` : "y",
        line: { width: 1.8, color: Theme.colour(COLOURS[i % COLOURS.length]) },
        hovertemplate: "%{y:.4~g}",
      };
    });
    return [traces, layout];
  }

  function overLag(curves) {
    const traces = curves.map((curve, i) => ({
      type: "scatter", mode: "lines", x: curve.t.map((t) => 1000 * t), y: curve.y, name: Report.plain(curve.name),
      line: { width: 1.8, color: Theme.colour(COLOURS[i % COLOURS.length]) },
      hovertemplate: "%{x:.0f} ms: %{y:.3f}<extra></extra>",
    }));
    const first = curves[0];
    const sign = first.best === "lowest" ? -1 : 1;
    const best = first.y.reduce((top, y, i) => (sign * y > sign * first.y[top] ? i : top), 0);
    const at = 1000 * first.t[best];
    const shapes = [
      { type: "line", x0: 0, x1: 0, yref: "paper", y0: 0, y1: 1, line: { width: 1, color: Theme.colour("track") }, layer: "below" },
      { type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line: { width: 1.5, dash: "dot", color: Theme.colour("mark") } },
    ];
    const annotations = [{ x: at, yref: "paper", y: 1, yanchor: "bottom", showarrow: false, text: `${first.best} at ${Report.number(at, 0)} ms`, font: { size: 12, color: Theme.colour("mark") } }];
    const title = (text) => ({ text: Report.plain(text), font: { size: 12 } });
    return [traces, { height: 220, margin: { l: 8, r: 8, t: 30, b: 36 }, hovermode: "closest", shapes, annotations, xaxis: { title: title("lag (ms)"), fixedrange: true, zeroline: false }, yaxis: { title: title(first.unit), fixedrange: true } }];
  }

  function draw(plotly, element) {
    const item = items[Number(element.dataset.item)];
    const isTime = element.dataset.axis === "time";
    const [traces, more] = isTime ? overTime(item.time) : overLag(item.lag);
    const layout = Theme.layout(more);
    element.style.height = `${layout.height}px`; // what plotly returns to when the window changes
    plotly.react(element, traces, layout, Theme.config).then(() => {
      if (isTime && player && !element.dataset.ready) follow(element);
      element.dataset.ready = "yes";
      place();
    });
  }

  /** Adds the line to a plot over time, and lets a click move the player. */
  function follow(element) {
    const cursor = Report.make("div", "cursor");
    element.parentElement.append(cursor);
    element.parentElement.classList.add("seekable");
    followers.push({ element, cursor });
    element.parentElement.addEventListener("click", (event) => {
      const axis = element._fullLayout.xaxis;
      const x = event.clientX - element.getBoundingClientRect().left - axis._offset;
      if (x < 0 || x > axis._length) return;
      const end = Number.isFinite(player.duration) ? player.duration : Infinity;
      player.currentTime = Math.min(Math.max(axis.p2l(x), 0), end);
    });
    element.on("plotly_afterplot", place);
  }

  function place() {
    for (const { element, cursor } of followers) {
      const { xaxis, _size: size } = element._fullLayout;
      const x = xaxis.l2p(player.currentTime);
      cursor.hidden = x < 0 || x > xaxis._length;
      cursor.style.height = `${size.h}px`;
      cursor.style.transform = `translate(${xaxis._offset + x - 1}px, ${size.t}px)`;
    }
  }

  function run() {
    place();
    if (!player.paused && !player.ended) requestAnimationFrame(run);
  }

  function show(element) {
    Report.plotly(root).then(
      (plotly) => draw(plotly, element),
      (error) => { element.textContent = error.message; },
    );
  }

  /** Draws the plots of this page as they come near; `folder` leads to the report's folder. */
  function start(folder, seconds, given = items) {
    [root, duration, items, followers] = [folder, seconds, given, []];
    player = document.getElementById("player");
    plots = [...document.querySelectorAll("#evidence .plot")];
    if (player) {
      player.addEventListener("play", run);
      for (const event of ["timeupdate", "seeking", "seeked", "loadedmetadata"]) player.addEventListener(event, place);
    }
    Report.whenNear(plots, show);
  }

  /** Builds the places of the plots from the curves of a data file; null without any. */
  function build(curves) {
    const byMetric = new Map();
    for (const curve of curves) {
      const { metric, lag } = curve;
      if (!byMetric.has(metric)) byMetric.set(metric, { metric, time: [], lag: [] });
      const t = curve.t ?? curve.y.map((_, i) => curve.t0 + i * curve.dt);
      byMetric.get(metric)[lag ? "lag" : "time"].push({ ...curve, t, best: /distance/i.test(curve.name) ? "lowest" : "highest" });
    }
    items = [...byMetric.values()];
    if (!items.length) return null;
    const box = Report.make("div", "evidence-plots");
    box.id = "evidence";
    items.forEach((item, i) => {
      const card = Report.make("article", "plot-card");
      const title = Report.make("h3");
      title.append(Report.make("code", "", item.metric));
      card.append(title);
      for (const axis of ["time", "lag"].filter((name) => item[name].length)) {
        const names = item[axis].map((curve) => curve.name).join(", ");
        if (axis === "lag") card.append(Report.make("p", "plot-name", names));
        const plot = Object.assign(Report.make("div", "plot"), { role: "img", ariaLabel: names });
        Object.assign(plot.dataset, { item: `${i}`, axis });
        const holder = Report.make("div", `over-${axis}`);
        holder.append(plot);
        card.append(holder);
      }
      box.append(card);
    });
    return box;
  }

  Theme.onChange(() => plots.filter((plot) => plot.dataset.ready).forEach(show));
  const clip = Report.data("clip-data");
  if (clip) start("../", clip.duration, clip.items);

  return { start, build };
})();
