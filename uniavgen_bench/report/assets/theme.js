// Plots take their colours from the style sheet, and follow the reader's light or dark setting.
"use strict";

const Theme = (() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  /** The value of a colour token. */
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  /** A layout in the report's look; `more` is merged in at the first level. */
  function layout(more) {
    const axis = {
      gridcolor: colour("line"),
      linecolor: colour("track"),
      zerolinecolor: colour("track"),
      tickcolor: colour("track"),
      automargin: true,
    };
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("ink") },
      margin: { l: 8, r: 12, t: 8, b: 36 },
      showlegend: false,
      dragmode: false,
      hoverlabel: {
        bgcolor: colour("card"),
        bordercolor: colour("track"),
        font: { color: colour("ink"), size: 13 },
        align: "left",
      },
      ...more,
      xaxis: { ...axis, ...more.xaxis },
      yaxis: { ...axis, ...more.yaxis },
      ...(more.yaxis2 ? { yaxis2: { ...axis, ...more.yaxis2 } } : {}),
    };
  }

  /** Calls `draw` whenever the reader switches between light and dark. */
  function onChange(draw) {
    dark.addEventListener("change", draw);
  }

  const config = { displayModeBar: false, displaylogo: false, responsive: true, scrollZoom: false, doubleClick: false };

  return { colour, layout, onChange, config };
})();
