"use strict";
// A title sorts its table; a second press turns the order round. Rows are whole bodies, so that a fold stays with its row.
let changed = () => {};
for (const table of document.querySelectorAll("table.sortable")) {
  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title.textContent;
    title.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = title.getAttribute("aria-sort") === "ascending";
      titles.forEach((other) => other.removeAttribute("aria-sort"));
      title.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies].map((body) => {
        const cell = body.rows[0].cells[column];
        return [cell.dataset.sort ?? cell.textContent, body];
      });
      const order = down ? -1 : 1;
      rows.sort(([a], [b]) => {
        const numbers = Number(a) - Number(b);
        return order * (Number.isNaN(numbers) ? a.localeCompare(b) : numbers);
      });
      table.append(...rows.map(([, body]) => body));
      changed();
    });
  });
}

// Filters and pages of the cases.
const list = document.getElementById("list");
const filters = document.getElementById("filters");
const pages = document.getElementById("pages");
if (list && filters && pages) {
  const size = 100;
  const [before, after] = ["before", "after"].map((id) => document.getElementById(id));
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const texts = new Map();
  const text = (body) => {
    if (!texts.has(body)) texts.set(body, body.textContent.toLowerCase());
    return texts.get(body);
  };
  let page = 0;
  const show = () => {
    const wanted = new FormData(filters);
    const search = (wanted.get("text") ?? "").trim().toLowerCase();
    const choices = [...wanted].filter(([name, value]) => name !== "text" && value !== "");
    const fits = (body) =>
      choices.every(([name, value]) => (body.dataset[name] ?? "").split("\n").includes(value)) &&
      (search === "" || text(body).includes(search));
    const fitting = [...list.tBodies].filter((body) => {
      body.hidden = true;
      return fits(body);
    });
    page = Math.max(0, Math.min(page, Math.ceil(fitting.length / size) - 1));
    const from = page * size;
    const here = fitting.slice(from, from + size);
    here.forEach((body) => (body.hidden = false));
    none.hidden = fitting.length > 0;
    pages.hidden = fitting.length === 0;
    shown.textContent = `${from + 1} to ${from + here.length} of ${fitting.length}`;
    before.disabled = page === 0;
    after.disabled = from + size >= fitting.length;
    return fitting;
  };
  const first = () => {
    page = 0;
    show();
  };
  let typing;
  filters.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(first, 150);
  });
  filters.addEventListener("reset", () => setTimeout(first));
  filters.addEventListener("submit", (event) => event.preventDefault());
  const turn = (by) => {
    page += by;
    show();
    list.scrollIntoView({ block: "start" });
  };
  before.addEventListener("click", () => turn(-1));
  after.addEventListener("click", () => turn(1));
  changed = first;
  // A link to a case leads to the page it is on, and opens it.
  const follow = () => {
    const body = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!body || !body.classList.contains("case")) return;
    if (!show().includes(body)) for (const field of filters.elements) if (field.name) field.value = "";
    page = Math.floor(Math.max(0, show().indexOf(body)) / size);
    show();
    body.querySelector("details").open = true;
    body.scrollIntoView();
  };
  filters.hidden = false;
  show();
  addEventListener("hashchange", follow);
  follow();
}
