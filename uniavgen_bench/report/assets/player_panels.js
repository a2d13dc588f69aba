// One panel for each chosen system: its video, which of them is heard, its curves, and the scores of the sample.
"use strict";

const Panels = (() => {
  const { run } = Samples;

  const reasonOf = run.missing.map(({ clips, reasons }) => new Map(clips.map((clip, i) => [clip, reasons[i]])));

  function video(clip, label) {
    const element = document.createElement("video");
    element.preload = "auto";
    element.playsInline = true;
    element.muted = true;
    element.tabIndex = -1;
    element.setAttribute("aria-label", `Clip by ${label}`);
    if (clip.poster) element.poster = clip.poster;
    element.src = clip.media;
    return element;
  }

  /** Builds the panel of a system; `clip` is its number or null, `data` what its file says or undefined. `view` is
      {end, shape}: the seconds of all curves, and the width over height of all screens. */
  function panel(position, system, clip, data, view, actions) {
    const label = run.systems[system].label;
    const article = Report.make("article", "panel");
    article.setAttribute("aria-label", label);
    const head = Report.make("header");
    const name = Report.make("h3");
    name.append(Report.make("bdi", "", label));
    const hear = Report.make("button", "hear", `Hear ${position + 1}`);
    hear.type = "button";
    hear.setAttribute("aria-pressed", "false");
    hear.setAttribute("aria-label", `Hear ${position + 1}, ${label}`);
    hear.addEventListener("click", () => actions.hear(position));
    head.append(name, hear);
    article.append(head);
    let element = null;
    const screen = Report.make("div", "screen");
    screen.style.aspectRatio = `${view.shape}`;
    if (data?.media) {
      element = video(data, label);
      element.addEventListener("click", actions.toggle);
      element.addEventListener("error", () => screen.append(Report.make("p", "broken", "This browser cannot play the clip.")));
      screen.append(element);
    } else {
      hear.disabled = true;
      screen.append(Report.make("p", "broken", data?.problem || (clip === null ? "This system has no clip of this sample." : "The clip is not beside this report.")));
    }
    const track = Tracks.create(data, label, view.end, actions.seek);
    article.append(screen, track.figure);
    if (clip !== null) {
      const link = Report.make("a", "to-clip", "Scores and evidence of this clip");
      link.href = Report.clipLink(run, clip);
      article.append(link);
    }
    return { article, hear, video: element, fps: data?.fps || 25, point: track.point };
  }

  /** A table of the sample's scores by the chosen systems, with the widest difference of each metric. */
  function scores(table, systems, clips) {
    const head = Report.make("tr");
    const cell = (tag, text, name = "") => Report.make(tag, name, text);
    const column = (text) => Object.assign(cell("th", text), { scope: "col" });
    head.append(column("Metric"), ...systems.map((s) => column(run.systems[s].label)), column("Apart"));
    const rows = run.metrics.map((metric) => {
      const at = metric.columns[0];
      const { field, unit, digits } = run.columns[at];
      const row = Report.make("tr");
      const title = Object.assign(cell("th", metric.title), { scope: "row" });
      title.append(Report.make("span", "field", `${Report.words(field)}${unit ? ` (${unit})` : ""}`));
      const values = clips.map((clip) => (clip === null ? null : run.values[at][clip]));
      const cells = values.map((value, i) => {
        if (value !== null) return cell("td", Report.number(value, digits), "num");
        const reason = clips[i] === null ? null : reasonOf[at].get(clips[i]);
        return cell("td", reason === null || reason === undefined ? "no clip" : Report.words(run.reasons[reason].name), "absent");
      });
      const known = values.filter((value) => value !== null);
      row.append(title, ...cells, cell("td", known.length > 1 ? Report.number(Math.max(...known) - Math.min(...known), digits) : "–", "num"));
      return row;
    });
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(...rows);
  }

  return { panel, scores };
})();
