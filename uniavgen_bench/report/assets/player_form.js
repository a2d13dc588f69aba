// The player's choices: systems, facts, words, repeat, and the order of the samples.
"use strict";

const PlayerForm = (() => {
  const { run } = Samples;
  const MOST_FACTS = 6;
  const at = (id) => document.getElementById(id);
  const facts = Samples.facts.slice(0, MOST_FACTS);
  const repeats = [...new Set(run.clips.repeat)].sort((a, b) => a - b);

  function labelled(id, text, control) {
    const group = Report.make("div");
    const label = Report.make("label", "", text);
    label.htmlFor = id;
    control.id = id;
    group.append(label, control);
    return group;
  }

  function factSelects(state, changed) {
    return facts.map((fact) => {
      const { name, values } = run.facts[fact];
      const select = document.createElement("select");
      select.add(new Option("any", ""));
      values.forEach((value, v) => select.add(new Option(value, `${v}`)));
      select.addEventListener("change", () => {
        if (select.value === "") state.facts.delete(fact);
        else state.facts.set(fact, Number(select.value));
        changed();
      });
      return labelled(`fact-${fact}`, Report.words(name), select);
    });
  }

  function systemBoxes(state, changed) {
    return run.systems.map((system, s) => {
      const label = Report.make("label", "choice");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.value = `${s}`;
      box.addEventListener("change", () => {
        const next = box.checked ? [...state.systems, s] : state.systems.filter((known) => known !== s);
        if (next.length < 1 || next.length > 4) {
          box.checked = !box.checked;
          return;
        }
        changed(next);
      });
      label.append(box, Report.make("bdi", "", system.label));
      return label;
    });
  }

  /** Fills the form for a run, and calls `actions` when the reader chooses. */
  function fill(state, actions) {
    at("systems").append(...systemBoxes(state, actions.systems));
    const order = at("order");
    order.add(new Option("by name", ""));
    for (const metric of run.metrics) {
      const group = document.createElement("optgroup");
      group.label = metric.title;
      for (const column of metric.columns) group.append(new Option(`${Report.words(run.columns[column].field)}: largest difference first`, `${column}`));
      order.add(group);
    }
    order.addEventListener("change", () => {
      state.sort = order.value === "" ? null : Number(order.value);
      actions.sorted();
    });
    at("facts").append(...factSelects(state, actions.filter));
    if (repeats.length > 1) {
      const select = document.createElement("select");
      for (const repeat of repeats) select.add(new Option(`${repeat}`, `${repeat}`));
      select.addEventListener("change", () => actions.repeat(Number(select.value)));
      at("facts").append(labelled("repeat", "repeat", select));
    }
    let pause = 0;
    at("words").addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(() => {
        state.words = at("words").value;
        actions.filter();
      }, 150);
    });
    at("choices").addEventListener("submit", (event) => event.preventDefault());
    at("choices").addEventListener("reset", () => setTimeout(() => {
      Object.assign(state, { words: "", sort: null });
      state.facts.clear();
      set(state);
      actions.filter();
    }, 0));
    set(state);
  }

  /** Makes the controls say what the state says. */
  function set(state) {
    at("order").value = state.sort === null ? "" : `${state.sort}`;
    at("words").value = state.words;
    for (const fact of facts) at(`fact-${fact}`).value = `${state.facts.get(fact) ?? ""}`;
    if (repeats.length > 1) at("repeat").value = `${state.repeat}`;
    at("systems").querySelectorAll("input").forEach((box) => { box.checked = state.systems.includes(Number(box.value)); });
  }

  return { fill, set };
})();
