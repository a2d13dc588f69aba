// The page of any clip, named behind `#`: of a run with too many clips for a page each. In a smaller run it leads to the page.
"use strict";

(() => {
  const run = Shards.get("run");
  const at = (id) => document.getElementById(id);
  const numberOf = new Map(run.clips.key.map((key, clip) => [key, clip]));
  let turn = 0;

  function neighbour(clip, step) {
    const other = clip + step;
    return run.clips.system[other] === run.clips.system[clip] ? other : null;
  }

  function head(clip) {
    const name = run.samples.id[run.clips.sample[clip]];
    const system = run.systems[run.clips.system[clip]];
    at("clip-name").textContent = name;
    at("clip-system").textContent = system.label + (run.clips.repeat[clip] ? ` · repeat ${run.clips.repeat[clip]}` : "");
    at("clip-role").textContent = system.role === "system" ? "" : `(${Report.words(system.role.replace("-", "_"))})`;
    document.title = `${name} · ${system.label}`;
    const links = [[-1, "prev", "← "], [1, "next", ""]].flatMap(([step, rel, arrow]) => {
      const other = neighbour(clip, step);
      if (other === null) return [];
      const link = Report.make("a");
      link.rel = rel;
      link.href = Report.clipLink(run, other);
      link.append(arrow, Report.make("bdi", "", run.samples.id[run.clips.sample[other]]), step > 0 ? " →" : "");
      return [link];
    });
    at("neighbours").replaceChildren(...links);
  }

  function watch(sample, data) {
    const parts = [];
    if (data?.problem) {
      const line = Report.make("p", "problem");
      line.append(Report.make("strong", "", "Nothing to score: "), data.problem);
      parts.push(line);
    }
    parts.push(Parts.screen(data));
    if (sample.speech || sample.caption) parts.push(Parts.asked(sample));
    if (data?.damage) parts.push(Report.make("p", "problem", `The curves cannot be shown: ${data.damage}.`));
    const curves = Evidence.build(data?.curves ?? []);
    if (curves) parts.push(Parts.section("Evidence over time", curves));
    if (data?.transcripts.length) parts.push(Parts.transcripts(data.transcripts));
    if (data?.texts.length) parts.push(Parts.section("Notes of the metrics", Parts.facts(data.texts.map(([metric, name, text]) => [`${metric} ${name}`, text]))));
    at("watch").replaceChildren(...parts);
  }

  async function show() {
    const key = window.location.hash.slice(1);
    const clip = numberOf.get(key);
    if (clip === undefined) {
      at("viewer-status").textContent = key ? `The run holds no clip named ${key}.` : "No clip was asked for.";
      return;
    }
    if (!run.large) {
      window.location.replace(`clips/${key}.html`);
      return;
    }
    turn += 1;
    const mine = turn;
    head(clip);
    try {
      const file = await Shards.ofSample(run.clips.sample[clip]);
      if (mine !== turn) return;
      const sample = file.samples[run.clips.sample[clip]];
      const data = file.clips[clip];
      watch(sample, data);
      const numbers = [Parts.scores(clip, data), Parts.others(clip)];
      if (sample.published.length) numbers.splice(1, 0, Parts.section("Published by others for this clip", Parts.facts(sample.published)));
      at("numbers").replaceChildren(...numbers);
      at("about").replaceChildren(
        ...(sample.facts.length ? [Parts.section("The sample", Parts.facts(sample.facts))] : []),
        ...(data?.file?.length ? [Parts.section("The file", Parts.facts(data.file))] : []),
        ...(data?.delivered?.length || data?.logs?.length ? [Parts.delivered(data)] : []),
      );
      at("viewer-status").textContent = "";
      Evidence.start("", data?.duration ?? null);
    } catch (error) {
      at("viewer-status").textContent = error.message;
    }
  }

  window.addEventListener("hashchange", () => {
    window.scrollTo(0, 0);
    show();
  });
  show();
})();
