// Sorting of the table by system. Controls keep their own groups; what has no score stays at the end.
"use strict";

(() => {
  const table = document.getElementById("score-table");
  if (!table) return;
  const heads = [...table.tHead.rows[0].cells];
  const select = document.getElementById("sort-select");

  function valueOf(row, column) {
    const text = row.cells[column].dataset.value;
    return text === undefined ? null : column === 0 ? text : Number(text);
  }

  function sort(column, descending) {
    for (const body of table.tBodies) {
      const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = column === 0 ? a.localeCompare(b) : a - b;
        return descending ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    }
    heads.forEach((head, i) => {
      head.setAttribute("aria-sort", i !== column ? "none" : descending ? "descending" : "ascending");
    });
    select.value = `${column}`;
  }

  // A first click brings the better end to the top, a second one turns the order round.
  function toggle(column) {
    const head = heads[column];
    const state = head.getAttribute("aria-sort");
    const first = column > 0 && head.dataset.better === "high";
    sort(column, state === "none" ? first : state === "ascending");
  }

  heads.forEach((head, column) => {
    const label = head.querySelector(".sort-label");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label.textContent;
    button.title = label.title;
    button.addEventListener("click", () => toggle(column));
    label.replaceWith(button);
    select.add(new Option(button.textContent, `${column}`));
  });
  select.add(new Option("as given", ""), 0);
  select.value = "";
  select.addEventListener("change", () => {
    if (select.value === "") return;
    const column = Number(select.value);
    sort(column, column > 0 && heads[column].dataset.better === "high");
  });
  select.parentElement.hidden = false;
})();
