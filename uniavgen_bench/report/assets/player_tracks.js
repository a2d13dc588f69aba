// What lies under each video: the opening of the mouth as a line, the level of the sound as a band, and a cursor.
"use strict";

const Tracks = (() => {
  const SPACE = "http://www.w3.org/2000/svg";
  const WIDTH = 1000;
  const MOUTH = 56;
  const HEIGHT = 100;

  function draw(name, attributes) {
    const element = document.createElementNS(SPACE, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, `${value}`);
    return element;
  }

  const timesOf = (curve) => curve.t ?? curve.y.map((_, i) => curve.t0 + i * curve.dt);

  /** The curve over time whose name speaks of one of the words. */
  const find = (curves, pattern) => curves.find((curve) => !curve.lag && pattern.test(curve.name.toLowerCase()));

  function scaled(curve) {
    const low = Math.min(...curve.y);
    const high = Math.max(...curve.y);
    return curve.y.map((y) => (high > low ? (y - low) / (high - low) : 0));
  }

  function line(curve, end) {
    const t = timesOf(curve);
    return scaled(curve).map((y, i) => `${i ? "L" : "M"}${((WIDTH * t[i]) / end).toFixed(1)} ${(MOUTH - 3 - (MOUTH - 8) * y).toFixed(1)}`).join("");
  }

  /** A band around a middle line, as wide as the sound is strong: a waveform's outline. */
  function band(curve, end) {
    const t = timesOf(curve);
    const middle = (MOUTH + HEIGHT) / 2;
    const half = (HEIGHT - MOUTH) / 2 - 2;
    const points = scaled(curve).map((y, i) => [(WIDTH * t[i]) / end, half * y]);
    const over = points.map(([x, y]) => `${x.toFixed(1)} ${(middle - y).toFixed(1)}`);
    const under = points.reverse().map(([x, y]) => `${x.toFixed(1)} ${(middle + y).toFixed(1)}`);
    return `M${over.join("L")}L${under.join("L")}Z`;
  }

  /** Builds the drawing of a clip over 0 … `end` seconds; `seek(time)` is called where the reader points. */
  function create(clip, label, end, seek) {
    const figure = Report.make("figure", "track");
    const curves = clip?.curves ?? [];
    const mouth = find(curves, /mouth|opening|\blips?\b/);
    const sound = find(curves, /energy|loud|sound level|waveform/);
    const names = [mouth, sound].filter(Boolean).map((curve) => curve.name);
    if (!names.length || !end) {
      figure.append(Report.make("figcaption", "", "No curve of mouth or sound for this clip."));
      return { figure, point: () => {} };
    }
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${names.join(" and ")} of ${label} over time` });
    for (let second = 1; second < end; second += 1) svg.append(draw("line", { class: "second", x1: (WIDTH * second) / end, x2: (WIDTH * second) / end, y1: 0, y2: HEIGHT }));
    if (sound) svg.append(draw("path", { class: "sound", d: band(sound, end) }));
    if (mouth) svg.append(draw("path", { class: "mouth", d: line(mouth, end) }));
    if (clip.duration && clip.duration < end - 0.02) svg.append(draw("rect", { class: "after", x: (WIDTH * clip.duration) / end, y: 0, width: WIDTH, height: HEIGHT }));
    const cursor = draw("line", { class: "now", x1: 0, x2: 0, y1: 0, y2: HEIGHT });
    svg.append(cursor);
    const caption = Report.make("figcaption");
    if (mouth) caption.append(Report.make("span", "key-mouth", mouth.name));
    if (sound) caption.append(Report.make("span", "key-sound", sound.name));
    figure.append(svg, caption);

    const timeAt = (event) => {
      const box = svg.getBoundingClientRect();
      return (end * Math.min(Math.max(event.clientX - box.left, 0), box.width)) / box.width;
    };
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      seek(timeAt(event));
    });
    svg.addEventListener("pointermove", (event) => { if (event.buttons) seek(timeAt(event)); });

    return {
      figure,
      point(time) {
        const x = ((WIDTH * time) / end).toFixed(1);
        cursor.setAttribute("x1", x);
        cursor.setAttribute("x2", x);
      },
    };
  }

  return { create };
})();
