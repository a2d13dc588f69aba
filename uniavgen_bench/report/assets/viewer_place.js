// Where a clip's score lies among the scores of all systems' clips: the drawing and the sentence of the static pages.
"use strict";

const Place = (() => {
  const run = Shards.get("run");
  const SPACE = "http://www.w3.org/2000/svg";
  const LEAST_OTHERS = 4;
  const sorted = new Map();
  const isControl = (clip) => run.systems[run.clips.system[clip]].role !== "system";
  const onlyControls = run.clips.system.every((_, clip) => isControl(clip));
  const isMember = (clip) => onlyControls || !isControl(clip);

  /** The numbers of a column among the systems without controls, sorted, once. */
  function valuesOf(column) {
    if (!sorted.has(column)) {
      const known = run.values[column].filter((value, clip) => value !== null && isMember(clip));
      sorted.set(column, Float64Array.from(known).sort());
    }
    return sorted.get(column);
  }

  /** How many values lie below `value`, or at most at it. */
  function rank(values, value, most) {
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (most ? values[middle] <= value : values[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function percent(share) {
    const value = 100 * share;
    if (value >= 99.5 && value < 100) return ">99 %";
    if (value > 0 && value < 0.5) return "<1 %";
    return `${value.toFixed(0)} %`;
  }

  function quantile(values, share) {
    const at = share * (values.length - 1);
    const low = Math.floor(at);
    return values[low] + (at - low) * ((values[low + 1] ?? values[low]) - values[low]);
  }

  function sentence(column, values, value, member) {
    const { direction } = run.columns[column];
    const others = values.length - member;
    let below = rank(values, value, false);
    let equal = rank(values, value, true) - below - member;
    let word = direction === "none" ? "higher than" : "better than";
    if (direction === "lower") below = values.length - rank(values, value, true);
    if (direction === "zero") {
      const size = Math.abs(value);
      word = "nearer to zero than";
      below = values.filter((v) => Math.abs(v) > size).length;
      equal = values.filter((v) => Math.abs(v) === size).length - member;
    }
    if (equal === others) return `the same as all ${others} others`;
    if (!equal) return `${word} ${percent(below / others)} of ${others} others`;
    return `the same as ${percent(equal / others)} of ${others} others, ${word} ${below ? percent(below / others) : "none"}`;
  }

  function draw(name, attributes) {
    const element = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
    return element;
  }

  /** The drawing and the sentence for a clip's value, or null among too few. */
  function of(column, clip) {
    const values = valuesOf(column);
    const value = run.values[column][clip];
    const member = isMember(clip) ? 1 : 0;
    if (values.length - member < LEAST_OTHERS) return null;
    const lowest = Math.min(values[0], value);
    const span = Math.max(values[values.length - 1], value) - lowest;
    const at = (number) => (span ? (100 * (number - lowest)) / span : 50).toFixed(2);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => at(quantile(values, share)));
    const svg = draw("svg", { class: "place", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
    svg.append(
      draw("line", { class: "track", x1: 0, y1: 6, x2: 100, y2: 6 }),
      draw("rect", { class: "box", x: low, y: 2, width: Math.max(high - low, 0.5), height: 8 }),
      draw("line", { class: "middle", x1: middle, y1: 2, x2: middle, y2: 10 }),
      draw("line", { class: "here", x1: at(value), y1: 0, x2: at(value), y2: 12 }),
    );
    return { svg, sentence: sentence(column, values, value, member) };
  }

  const size = () => run.clips.system.filter((_, clip) => isMember(clip)).length;

  return { of, size };
})();
