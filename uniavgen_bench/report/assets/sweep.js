// Curves of an ablation: the mean of a field against a factor's levels, with intervals.
"use strict";

(() => {
  const run = Shards.get("run");
  const plots = [...document.querySelectorAll(".plot[data-sweep]")];
  if (!run || !plots.length) return;

  function draw(plotly, element) {
    const curve = run.sweeps[Number(element.dataset.sweep)];
    const colour = Theme.colour("accent");
    const known = curve.mean.map((mean, i) => (mean === null ? -1 : i)).filter((i) => i >= 0);
    const pick = (values) => known.map((i) => values[i]);
    const reach = (bounds, sign) => known.map((i) => (bounds[i] === null ? 0 : sign * (bounds[i] - curve.mean[i])));
    const unit = curve.unit ? ` (${Report.plain(curve.unit)})` : "";
    const layout = Theme.layout({
      height: 240,
      xaxis: { title: { text: Report.plain(curve.factor), font: { size: 12 } }, zeroline: false },
      yaxis: { title: { text: `${Report.plain(curve.field)}${unit}`, font: { size: 12 } }, zeroline: false },
      hovermode: "closest",
    });
    layout.xaxis.fixedrange = true;
    layout.yaxis.fixedrange = true;
    const trace = {
      type: "scatter", mode: "lines+markers", x: pick(curve.level), y: pick(curve.mean),
      text: pick(curve.text).map((text, i) => `${Report.plain(curve.factor)} ${pick(curve.level)[i]}<br>${Report.plain(text)}`),
      line: { color: colour, width: 1.5 }, marker: { color: colour, size: 8 },
      error_y: { type: "data", symmetric: false, array: reach(curve.high, 1), arrayminus: reach(curve.low, -1), color: colour, thickness: 1.5, width: 4 },
      hovertemplate: "%{text}<extra></extra>",
    };
    element.style.height = `${layout.height}px`; // what plotly returns to when the window changes
    plotly.react(element, [trace], layout, Theme.config);
    element.dataset.ready = "yes";
  }

  function show(element) {
    Report.plotly("").then(
      (plotly) => draw(plotly, element),
      (error) => { element.textContent = error.message; },
    );
  }

  Report.whenNear(plots, show);
  Theme.onChange(() => plots.filter((plot) => plot.dataset.ready).forEach(show));
})();
