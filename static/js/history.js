// The history by keyboard, filtered as the filters are changed.

const links = () => [...document.querySelectorAll("[data-row-link]")];

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const rows = links();
  const next = rows.indexOf(document.activeElement) + step;
  rows[Math.min(Math.max(next, 0), rows.length - 1)]?.focus();
});

// An address without the filters that filter nothing.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  for (const [name, value] of [...detail.formData]) {
    if (value === "") detail.formData.delete(name);
  }
});

// The filters work as they are changed; the button is for those without scripts.
const filters = document.querySelector("[data-filters]");
filters.dataset.enhanced = "";

// On a small screen they are folded but for the search; chips show which of them are in force.
filters.querySelector("[data-filters-more]").addEventListener("click", ({ currentTarget }) => {
  currentTarget.ariaExpanded = String(filters.toggleAttribute("data-open"));
});
