// The parts of a clip's page, built from its data as the static pages build them.
"use strict";

const Parts = (() => {
  const run = Shards.get("run");
  const { make, words, number } = Report;
  const reasonOf = run.missing.map(({ clips, reasons }) => new Map(clips.map((clip, i) => [clip, reasons[i]])));
  const ARROWS = { higher: "↑", lower: "↓", zero: "→0", none: "" };

  function section(title, ...children) {
    const element = make("section");
    if (title) element.append(make("h2", "", title));
    element.append(...children);
    return element;
  }

  function facts(rows) {
    const list = make("dl", "facts");
    for (const [name, value] of rows) {
      const row = make("div");
      row.append(make("dt", "", name), make("dd", "", `${value}`));
      list.append(row);
    }
    return list;
  }

  function delivered({ delivered: rows, logs }) {
    const parts = rows.length ? [facts(rows)] : [];
    if (logs.length) {
      const line = make("p", "note job-log", "log: ");
      logs.forEach(([path, address], i) => {
        const name = make("code", "", path);
        const link = address ? make("a") : null;
        if (link) {
          link.href = address;
          link.append(name);
        }
        line.append(i ? ", " : "", link ?? name);
      });
      parts.push(line);
    }
    return section(rows.length ? "What was delivered" : "The job", ...parts);
  }

  function screen(data) {
    const element = make("section", "watch");
    if (data?.media) {
      const video = make("video");
      Object.assign(video, { id: "player", controls: true, preload: "metadata", playsInline: true, src: data.media });
      if (data.poster) video.poster = data.poster;
      element.append(video);
    } else element.append(make("p", "no-media", data?.problem || "No clip to play."));
    return element;
  }

  function asked(sample) {
    const element = make("section", "asked");
    element.setAttribute("aria-label", "What was asked for");
    if (sample.speech) {
      const figure = make("figure", "speech");
      figure.append(make("blockquote", "", sample.speech), make("figcaption", "", sample.verified ? "Text that should be heard" : "Transcript by a recogniser, not verified"));
      element.append(figure);
    }
    if (sample.caption) {
      const details = make("details");
      details.append(make("summary", "", "Caption"), make("p", "", sample.caption));
      element.append(details);
    }
    return element;
  }

  function transcripts(found) {
    const parts = found.map(([metric, pieces]) => {
      const line = make("p", "diff");
      for (const [kind, meant, said] of pieces) {
        if (kind === "equal") line.append(meant);
        else {
          if (meant) line.append(make("del", "", meant));
          if (meant && said) line.append(" ");
          if (said) line.append(make("ins", "", said));
        }
        line.append(" ");
      }
      const name = make("p", "metric-line");
      name.append(make("code", "", metric));
      return [name, line];
    });
    return section("Said and heard", ...parts.flat());
  }

  function scoreRow(clip, column, data, title, whole = false) {
    const { unit, direction, digits, sign } = run.columns[column];
    const row = make("tr");
    const head = make("th", "", title);
    head.scope = "row";
    if (ARROWS[direction] && !whole) head.append(" ", make("span", "arrow", ARROWS[direction]));
    row.append(head);
    const value = run.values[column][clip];
    if (value === null) {
      const reason = run.reasons[reasonOf[column].get(clip)];
      const cell = make("td", "absent");
      cell.colSpan = 2;
      const detail = data?.missing[column];
      cell.append(make("span", "reason", words(reason.name)), " ", make("span", "why", detail ? `${reason.sentence}: ${detail}` : reason.sentence));
      row.append(cell);
      return row;
    }
    const score = make("td", "num", number(value, digits));
    if (unit) score.append(" ", make("span", "unit", unit));
    const where = make("td");
    const place = Place.of(column, clip);
    if (place) where.append(place.svg, make("span", "where", place.sentence));
    else where.append(make("span", "where", "too few clips to place it"));
    if (sign) where.append(make("span", "where", sign));
    row.append(score, where);
    return row;
  }

  function scores(clip, data) {
    const table = make("table", "clip-table");
    const columns = make("colgroup");
    columns.append(make("col", "col-field"), make("col", "col-score"), make("col"));
    table.append(columns);
    for (const metric of run.metrics) {
      const body = make("tbody");
      const row = make("tr", "metric-row");
      const head = make("th", "", `${metric.title} `);
      Object.assign(head, { scope: "rowgroup", colSpan: 3 });
      const link = make("a");
      link.href = `method.html#metric-${metric.name.replace(/[^\p{L}\p{N}]/gu, "-").replace(/^-+|-+$/g, "")}`;
      link.append(make("code", "", metric.name));
      head.append(link);
      row.append(head);
      const states = metric.columns.map((c) => (run.values[c][clip] === null ? `${reasonOf[c].get(clip)} ${data?.missing[c] ?? ""}` : null));
      const folded = states.length > 1 && states[0] !== null && states.every((state) => state === states[0]);
      body.append(row, ...(folded ? [scoreRow(clip, metric.columns[0], data, `all ${states.length} fields`, true)] : metric.columns.map((c) => scoreRow(clip, c, data, words(run.columns[c].field)))));
      table.append(body);
    }
    const note = make("p", "note", `The mark is this clip; the box is the middle half of the ${number(Place.size(), 0)} clips of all systems without controls.`);
    return section("Scores", note, table);
  }

  function others(clip) {
    const siblings = [...run.clips.sample.keys()].filter((c) => run.clips.sample[c] === run.clips.sample[clip] && c !== clip);
    if (!siblings.length) return make("section");
    const list = make("ul", "siblings");
    for (const other of siblings) {
      const item = make("li");
      const repeat = run.clips.repeat[other] ? ` · repeat ${run.clips.repeat[other]}` : "";
      const link = make("a", "", run.systems[run.clips.system[other]].label + repeat);
      link.href = Report.clipLink(run, other);
      item.append(link);
      list.append(item);
    }
    const asked = new URLSearchParams({ sample: run.samples.id[run.clips.sample[clip]], system: run.systems[run.clips.system[clip]].id });
    const other = siblings.find((c) => run.clips.system[c] !== run.clips.system[clip]);
    if (other !== undefined) asked.append("system", run.systems[run.clips.system[other]].id);
    const link = make("a", "", "Play them side by side");
    link.href = `compare.html#${asked}`;
    const line = make("p");
    line.append(link);
    return section("The same sample by others", line, list);
  }

  return { section, facts, delivered, screen, asked, transcripts, scores, others };
})();
