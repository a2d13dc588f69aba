// The player's keys. They rest while the reader writes or chooses in a field.
"use strict";

const PlayerKeys = (() => {
  const FIELD = "input:not([type=checkbox]):not([type=range]), select, textarea";

  function action(event, does) {
    const second = event.shiftKey ? 1 : 0;
    switch (event.key) {
      case " ": case "k": return does.toggle;
      case "ArrowLeft": return second ? () => does.jump(-1) : () => does.step(-1);
      case "ArrowRight": return second ? () => does.jump(1) : () => does.step(1);
      case ",": return () => does.step(-1);
      case ".": return () => does.step(1);
      case "Home": return () => does.to(0);
      case "End": return () => does.to(1);
      case "n": return () => does.sample(1);
      case "p": return () => does.sample(-1);
      case "l": return does.loop;
      case "[": return () => does.rate(-1);
      case "]": return () => does.rate(1);
      case "0": case "m": return () => does.hear(-1);
      default: return /^[1-4]$/.test(event.key) ? () => does.hear(Number(event.key) - 1) : null;
    }
  }

  /** Calls the actions for keys; the space bar keeps its meaning on buttons, boxes and summaries. */
  function listen(does) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(FIELD)) return;
      if (event.key === " " && event.target.closest("button, a, summary, input[type=checkbox]")) return;
      const found = action(event, does);
      if (!found) return;
      event.preventDefault();
      found();
    });
  }

  return { listen };
})();
