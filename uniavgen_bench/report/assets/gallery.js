// The gallery of clips: filters over columns, a page at a time, so that ten thousand clips cost no more than two dozen.
"use strict";

(() => {
  const run = Shards.get("run");
  const list = document.getElementById("gallery");
  if (!run || !list) return;
  const names = run.samples.id;
  const PER_PAGE = 24;
  const clips = run.clips;
  const count = clips.sample.length;
  const field = (name) => document.getElementById(`filter-${name}`);
  const form = document.getElementById("filters");
  const status = document.getElementById("gallery-count");
  const pages = document.getElementById("gallery-pages");
  const labels = run.systems.map((system) => ` ${system.label.toLowerCase()}`);
  let texts = null;

  /** Whether a clip's sample, words and system hold all that is searched; texts are made at the first search. */
  function holds(clip, words) {
    texts ??= names.map((name, sample) => `${name} ${run.samples.words[sample]}`.toLowerCase());
    const text = texts[clips.sample[clip]];
    const label = labels[clips.system[clip]];
    return words.every((word) => text.includes(word) || label.includes(word));
  }

  // For each column and clip the reason.
  const reasonOf = run.missing.map(({ clips: at, reasons }) => new Map(at.map((clip, i) => [clip, reasons[i]])));
  const headlines = run.metrics.map((metric) => metric.columns[0]);
  const lacks = (clip) => run.metrics.some((metric) => metric.columns.some((column) => reasonOf[column].has(clip)));

  let chosen = [];
  let page = 0;

  function fill() {
    field("system").add(new Option("all", ""));
    run.systems.forEach((system, i) => field("system").add(new Option(system.label, `${i}`)));
    field("fact").add(new Option("any", ""));
    run.facts.forEach((fact, f) => {
      const group = document.createElement("optgroup");
      group.label = fact.name;
      fact.values.forEach((value, v) => group.append(new Option(`${fact.name}: ${value}`, `${f},${v}`)));
      field("fact").add(group);
    });
    field("fact").disabled = run.facts.length === 0;
    const missing = field("missing");
    missing.add(new Option("any", ""));
    missing.add(new Option("nothing missing", "none"));
    missing.add(new Option("something missing", "some"));
    run.reasons.forEach(({ name }, reason) => {
      const option = new Option(`any metric: ${name.replaceAll("_", " ")}`, `*,${reason}`);
      option.dataset.metric = "*";
      option.dataset.reason = name;
      missing.add(option);
    });
    run.metrics.forEach((metric, m) => {
      const reasons = new Set(metric.columns.flatMap((column) => [...reasonOf[column].values()]));
      if (!reasons.size) return;
      const group = document.createElement("optgroup");
      group.label = metric.name;
      for (const reason of [...reasons].sort((a, b) => a - b)) {
        const name = run.reasons[reason].name;
        const option = new Option(`${metric.title}: ${name.replaceAll("_", " ")}`, `${m},${reason}`);
        option.dataset.metric = metric.name;
        option.dataset.reason = name;
        group.append(option);
      }
      missing.add(group);
    });
    const order = field("order");
    order.add(new Option("by system", ""));
    order.add(new Option("by sample", "sample"));
    headlines.forEach((column) => {
      const { metric, field: name } = run.columns[column];
      const group = document.createElement("optgroup");
      group.label = metric;
      group.append(new Option(`${name}, lowest first`, `${column},1`), new Option(`${name}, highest first`, `${column},-1`));
      order.add(group);
    });
  }

  function choose() {
    const words = field("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const system = field("system").value;
    const [fact, value] = field("fact").value.split(",").map(Number);
    const missing = field("missing").value;
    const [metric, reason] = missing.split(",");
    const asked = (metric === "*" ? run.metrics : [run.metrics[metric]]).flatMap((m) => m?.columns ?? []);
    const order = field("order").value;
    chosen = [];
    for (let clip = 0; clip < count; clip += 1) {
      if (system !== "" && clips.system[clip] !== Number(system)) continue;
      if (field("fact").value && run.facts[fact].codes[clips.sample[clip]] !== value) continue;
      if (missing === "none" ? lacks(clip) : missing === "some" && !lacks(clip)) continue;
      if (missing.includes(",") && !asked.some((c) => reasonOf[c].get(clip) === Number(reason))) continue;
      if (words.length && !holds(clip, words)) continue;
      chosen.push(clip);
    }
    const by = (key) => chosen.sort((a, b) => key(a, b) || a - b);
    if (order === "sample") by((a, b) => clips.sample[a] - clips.sample[b]);
    else if (order) {
      const [column, sign] = order.split(",").map(Number);
      const values = run.values[column];
      by((a, b) => (values[a] === null) - (values[b] === null) || sign * (values[a] - values[b]));
    } else by((a, b) => clips.system[a] - clips.system[b]);
    page = 0;
    show();
  }

  function tile(clip) {
    const item = Report.make("li", "tile");
    const picture = Report.make("div", "picture");
    if (clips.poster[clip]) {
      const image = Report.make("img");
      image.loading = "lazy";
      image.decoding = "async";
      image.alt = "";
      image.src = clips.poster[clip];
      picture.append(image);
    } else picture.textContent = "no picture";
    const text = Report.make("div", "text");
    const link = Report.make("a", "", names[clips.sample[clip]]);
    link.href = Report.clipLink(run, clip);
    const system = run.systems[clips.system[clip]];
    const repeat = clips.repeat[clip] ? ` · repeat ${clips.repeat[clip]}` : "";
    text.append(link, Report.make("span", "system", system.label + repeat));
    const scores = Report.make("dl");
    for (const column of headlines) {
      const { metric, field: name, unit, digits } = run.columns[column];
      const row = Report.make("div");
      const label = Report.make("dt", "", Report.short(metric, name));
      label.title = metric;
      const value = run.values[column][clip];
      const reason = reasonOf[column].get(clip);
      const short = unit.length < 5 ? ` ${unit}` : "";
      const shown = value === null ? Report.make("dd", "absent", run.reasons[reason].name.replaceAll("_", " ")) : Report.make("dd", "num", Report.number(value, digits) + short);
      row.append(label, shown);
      scores.append(row);
    }
    text.append(scores);
    item.append(picture, text);
    return item;
  }

  function show() {
    const last = Math.max(0, Math.ceil(chosen.length / PER_PAGE) - 1);
    page = Math.min(Math.max(page, 0), last);
    list.replaceChildren(...chosen.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map(tile));
    const total = Report.number(count, 0);
    status.textContent = chosen.length === count ? `${total} clips` : `${Report.number(chosen.length, 0)} of ${total} clips`;
    pages.hidden = last === 0;
    document.getElementById("page-number").textContent = `${page + 1} of ${last + 1}`;
    document.getElementById("page-back").disabled = page === 0;
    document.getElementById("page-on").disabled = page === last;
  }

  function turn(step) {
    page += step;
    show();
    document.getElementById("clips").scrollIntoView();
  }

  fill();
  form.hidden = count === 0;
  let pause = 0;
  form.addEventListener("input", (event) => {
    clearTimeout(pause);
    pause = setTimeout(choose, event.target.type === "search" ? 120 : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(choose, 0));
  document.getElementById("page-back").addEventListener("click", () => turn(-1));
  document.getElementById("page-on").addEventListener("click", () => turn(1));

  /** Shows the clips that lack a metric (`*`: any) for a reason, of one system or of all. */
  function showMissing(metric, reason, system) {
    form.reset();
    const option = [...field("missing").options].find((o) => o.dataset.metric === metric && o.dataset.reason === reason);
    const chosenSystem = run.systems.findIndex((known) => known.id === system);
    setTimeout(() => {
      if (option) option.selected = true;
      if (chosenSystem >= 0) field("system").value = `${chosenSystem}`;
      choose();
    }, 0);
  }

  for (const link of document.querySelectorAll(".show-missing")) {
    link.addEventListener("click", () => showMissing(link.dataset.metric, link.dataset.reason, link.dataset.system));
  }

  // `#clips?missing=REASON&metric=NAME&system=ID` leads here from other pages.
  function follow() {
    const [place, query] = window.location.hash.slice(1).split("?");
    if (place !== "clips" || !query) return;
    const asked = new URLSearchParams(query);
    showMissing(asked.get("metric") ?? "*", asked.get("missing") ?? "", asked.get("system") ?? "");
    document.getElementById("clips").scrollIntoView({ behavior: "instant" });
  }

  window.addEventListener("hashchange", follow);
  choose();
  follow();
})();
