// Filters and sorting of the leaderboard. Without this script every table is shown, by rank.
"use strict";

(() => {
  const filters = document.getElementById("filters");
  if (!filters) return;
  const tables = [...document.querySelectorAll(".board-table")];
  const tracks = [...document.querySelectorAll("section.track")];
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");
  const selects = [...filters.querySelectorAll("select")];

  function apply() {
    const wanted = selects.filter((select) => select.value !== "").map((select) => [select.name, select.value]);
    let shown = 0;
    for (const table of tables) {
      table.hidden = !wanted.every(([name, value]) => table.dataset[name] === value);
      shown += table.hidden ? 0 : 1;
    }
    for (const track of tracks) track.hidden = !track.querySelector(".board-table:not([hidden])");
    nothing.hidden = shown > 0;
    count.textContent = shown === tables.length ? `${shown} tables` : `${shown} of ${tables.length} tables`;
    const state = new URLSearchParams(wanted).toString();
    history.replaceState(null, "", state ? `#?${state}` : location.pathname);
  }

  // The address keeps the filters, so that a view can be linked to; a value that no option has is ignored.
  function restore() {
    if (!location.hash.startsWith("#?")) return;
    const state = new URLSearchParams(location.hash.slice(2));
    for (const select of selects) {
      const value = state.get(select.name);
      if ([...select.options].some((option) => option.value === value)) select.value = value;
    }
  }

  function valueOf(row, column, text) {
    const value = row.cells[column].dataset.value;
    if (value === undefined || value === "") return null;
    return text ? value : Number(value);
  }

  function sort(table, column, descending) {
    const heads = [...table.tHead.rows[0].cells];
    const text = ["name", "date"].includes(heads[column].dataset.key);
    const body = table.querySelector("tbody.ranked");
    const rows = [...body.rows].map((row) => [valueOf(row, column, text), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = text ? a.localeCompare(b) : a - b;
      return descending ? -order : order;
    });
    body.append(...rows.map(([, row]) => row));
    heads.forEach((head, i) => head.setAttribute("aria-sort", i !== column ? "none" : descending ? "descending" : "ascending"));
  }

  for (const table of document.querySelectorAll("table.ranks")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const label = head.querySelector(".sort-label");
      const button = document.createElement("button");
      button.type = "button";
      button.append(...label.childNodes);
      button.addEventListener("click", () => {
        const state = head.getAttribute("aria-sort");
        sort(table, column, state === "none" ? head.dataset.first === "descending" : state === "ascending");
      });
      label.replaceWith(button);
    });
  }

  filters.addEventListener("input", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(apply));
  filters.hidden = false;
  restore();
  apply();
})();
