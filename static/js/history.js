// The history by keyboard, and an export of what is shown.

const links = () => [...document.querySelectorAll("[data-row-link]")];

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const rows = links();
  const next = rows.indexOf(document.activeElement) + step;
  rows[Math.min(Math.max(next, 0), rows.length - 1)]?.focus();
});

// The filters work as they are changed; the button is for those without scripts.
document.querySelector("[data-filters]").dataset.enhanced = "";
