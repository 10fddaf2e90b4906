// The rows of a list by keyboard; the list may have been replaced since.

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "x") document.activeElement.closest("tr")?.querySelector("[data-choose]")?.click();
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const rows = [...document.querySelectorAll('[data-module~="rows"] [data-row-link]')];
  const next = rows.indexOf(document.activeElement) + step;
  rows[Math.min(Math.max(next, 0), rows.length - 1)]?.focus();
});

// An order that nobody chose stands in the address from now on: who comes back finds it again.
const { shownAs } = document.querySelector('[data-module~="rows"]').dataset;
if (shownAs) history.replaceState(history.state, "", `${shownAs}${location.hash}`);

// Who comes back goes on where they were: the address keeps which row they opened.
const opened = document.getElementById(location.hash.slice(1));
if (opened?.matches("[data-row-link]")) opened.focus();

document.addEventListener("click", ({ target }) => {
  const link = target.closest("[data-row-link]");
  if (link?.id) history.replaceState(history.state, "", `#${link.id}`);
});
