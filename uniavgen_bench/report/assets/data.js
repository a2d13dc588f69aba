// What all scripts of the report share: reading the page's data, numbers, elements, and loading plotly when needed.
"use strict";

const Report = (() => {
  const MINUS = "\u2212";

  const parsed = new Map();

  /** The JSON of a data element of this page, parsed once for all scripts. */
  function data(id) {
    if (!parsed.has(id)) {
      const element = document.getElementById(id);
      parsed.set(id, element ? JSON.parse(element.textContent) : null);
    }
    return parsed.get(id);
  }

  /** A number with fixed decimals, a thin space between thousands, and a true minus. */
  function number(value, digits) {
    if (value === null || !Number.isFinite(value)) return "\u2013";
    const text = Math.abs(value)
      .toFixed(digits)
      .replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, "\u202f");
    return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
  }

  /** An element with text, never with markup. */
  function make(tag, name, text) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  /** Text that plotly shows as it is: its labels read a small markup of their own. */
  function plain(text, most = 40) {
    const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
    return cut.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  /** A short name of a field: the end of the metric's id, and the field where it says more. */
  function short(metric, field) {
    const id = metric.split(/[@[]/)[0].split(".").pop();
    return id === field ? id : `${id} · ${field}`;
  }

  let loading = null;

  /** Loads the plotting library once, at the first plot that comes near the view. */
  function plotly(root) {
    loading ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = `${root}assets/plotly.min.js`;
      script.onload = () => done(window.Plotly);
      script.onerror = () => failed(new Error("assets/plotly.min.js cannot be read"));
      document.head.append(script);
    });
    return loading;
  }

  /** Calls `draw(element)` when an element comes near the view, once. */
  function whenNear(elements, draw) {
    const watcher = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          watcher.unobserve(entry.target);
          draw(entry.target);
        }
      },
      { rootMargin: "600px" },
    );
    for (const element of elements) watcher.observe(element);
  }

  /** The address of a clip's page, from the report's folder. */
  function clipLink(run, clip) {
    const key = run.clips.key[clip];
    return run.large ? `clip.html#${key}` : `clips/${key}.html`;
  }

  /** Names of reasons and fields as people read them. */
  function words(name) {
    return name.replaceAll("_", " ");
  }

  return { data, number, make, plain, short, plotly, whenNear, clipLink, words };
})();
