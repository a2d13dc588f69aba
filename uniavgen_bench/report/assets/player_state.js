// What the player shows, as the part of the address behind `#`, so that a view can be sent to somebody else.
"use strict";

const PlayerState = (() => {
  const { run } = Samples;
  const RATES = [0.25, 0.5, 0.75, 1];

  const systemAt = (id) => run.systems.findIndex((system) => system.id === id);

  /** Reads an address; what is absent or unknown is null. */
  function read(hash) {
    const asked = new URLSearchParams(hash.replace(/^#/, ""));
    const systems = [...new Set(asked.getAll("system").map(systemAt).filter((s) => s >= 0))].slice(0, 4);
    const sample = asked.has("sample") ? run.samples.id.indexOf(asked.get("sample")) : -1;
    const heard = asked.has("heard") ? systems.indexOf(systemAt(asked.get("heard"))) : null;
    const time = Number(asked.get("t"));
    const rate = Number(asked.get("rate"));
    const facts = new Map();
    for (const [key, value] of asked) {
      if (!key.startsWith("fact.")) continue;
      const fact = run.facts.findIndex(({ name }) => name === key.slice(5));
      const code = fact < 0 ? -1 : run.facts[fact].values.indexOf(value);
      if (code >= 0) facts.set(fact, code);
    }
    const sort = run.columns.findIndex(({ metric, field }) => `${metric}.${field}` === asked.get("sort"));
    return {
      sample: sample < 0 ? null : sample,
      systems: systems.length ? systems : null,
      heard,
      repeat: Number.parseInt(asked.get("repeat") ?? "0", 10) || 0,
      time: Number.isFinite(time) && time > 0 ? time : 0,
      rate: RATES.includes(rate) ? rate : 1,
      facts,
      sort: sort < 0 ? null : sort,
      words: asked.get("words") ?? "",
    };
  }

  /** The address of a view. */
  function write(state) {
    const asked = new URLSearchParams();
    if (state.sample !== null) asked.set("sample", run.samples.id[state.sample]);
    for (const system of state.systems) asked.append("system", run.systems[system].id);
    if (state.heard > 0 && state.systems[state.heard] !== undefined) asked.set("heard", run.systems[state.systems[state.heard]].id);
    if (state.repeat) asked.set("repeat", `${state.repeat}`);
    if (state.time > 0.02) asked.set("t", state.time.toFixed(3));
    if (state.rate !== 1) asked.set("rate", `${state.rate}`);
    for (const [fact, value] of state.facts) asked.set(`fact.${run.facts[fact].name}`, run.facts[fact].values[value]);
    if (state.sort !== null) asked.set("sort", `${run.columns[state.sort].metric}.${run.columns[state.sort].field}`);
    if (state.words) asked.set("words", state.words);
    return `#${asked}`;
  }

  return { read, write, RATES };
})();
