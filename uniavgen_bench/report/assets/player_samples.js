// Which samples to choose from: filtered by facts, words and systems, in the order of the names or of a difference.
"use strict";

const Samples = (() => {
  const run = Shards.get("run");
  const FIRST = ["domain", "emotion", "identity"];
  const PER_PAGE = 12;
  const byKey = new Map(); // "sample system repeat" -> clip
  run.clips.system.forEach((system, clip) => byKey.set(`${run.clips.sample[clip]} ${system} ${run.clips.repeat[clip]}`, clip));

  /** The clip of a sample by a system, or null. */
  const clipOf = (sample, system, repeat) => byKey.get(`${sample} ${system} ${repeat}`) ?? null;

  /** All facts, the usual ones first. */
  const facts = [...run.facts.keys()].sort((a, b) => {
    const rank = (fact) => (FIRST.includes(run.facts[fact].name) ? FIRST.indexOf(run.facts[fact].name) : FIRST.length);
    return rank(a) - rank(b) || run.facts[a].name.localeCompare(run.facts[b].name);
  });

  /** The two systems that share most samples: what a reader can compare without choosing. One where none share any. */
  function usualPair(baseline) {
    const systems = run.systems.map((_, s) => s);
    const has = systems.map(() => new Set());
    run.clips.sample.forEach((sample, clip) => has[run.clips.system[clip]].add(sample));
    let best = [Math.max(0, baseline)];
    let most = -1;
    for (const a of systems) {
      for (const b of systems.slice(a + 1)) {
        let shared = 0;
        for (const sample of has[a]) if (has[b].has(sample)) shared += 1;
        const proper = [a, b].filter((s) => run.systems[s].role === "system").length;
        const worth = shared + 0.2 * proper + ([a, b].includes(baseline) ? 0.1 : 0);
        if (shared && worth > most) [most, best] = [worth, [a, b]];
      }
    }
    return best;
  }

  /** How far apart the systems lie in a column for a sample; null with fewer than two numbers. */
  function spread(sample, systems, repeat, column) {
    const found = systems.map((s) => clipOf(sample, s, repeat)).filter((clip) => clip !== null).map((clip) => run.values[column][clip]).filter((value) => value !== null);
    return found.length < 2 ? null : Math.max(...found) - Math.min(...found);
  }

  /** The samples that fit: at least two of the systems have a clip. `asked` is {words, facts: Map(fact -> value), sort}. */
  function choose(asked, systems, repeat) {
    const words = asked.words.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = [];
    run.samples.id.forEach((name, sample) => {
      for (const [fact, value] of asked.facts) if (run.facts[fact].codes[sample] !== value) return;
      if (words.length) {
        const text = `${name} ${run.samples.words[sample]}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) return;
      }
      if (systems.filter((s) => clipOf(sample, s, repeat) !== null).length < Math.min(2, systems.length)) return;
      chosen.push(sample);
    });
    if (asked.sort === null) return chosen.map((sample) => ({ sample, gap: null }));
    return chosen
      .map((sample) => ({ sample, gap: spread(sample, systems, repeat, asked.sort) }))
      .sort((a, b) => (a.gap === null) - (b.gap === null) || b.gap - a.gap || a.sample - b.sample);
  }

  /** Shows one page of the samples as buttons, the page that holds `current`; `pick(sample)` is called for a choice. */
  function list(element, chosen, current, page, column, pick) {
    const last = Math.max(0, Math.ceil(chosen.length / PER_PAGE) - 1);
    const shown = Math.min(Math.max(page, 0), last);
    element.replaceChildren(...chosen.slice(shown * PER_PAGE, (shown + 1) * PER_PAGE).map(({ sample, gap }) => {
      const item = Report.make("li");
      const button = Report.make("button", "sample");
      button.type = "button";
      button.append(Report.make("bdi", "", run.samples.id[sample]));
      if (gap !== null) button.append(Report.make("span", "gap", Report.number(gap, run.columns[column].digits)));
      if (sample === current) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => pick(sample));
      item.append(button);
      return item;
    }));
    return { shown, last };
  }

  const pageOf = (chosen, current) => Math.max(0, Math.floor(chosen.findIndex(({ sample }) => sample === current) / PER_PAGE));

  return { run, facts, clipOf, usualPair, choose, list, pageOf };
})();
