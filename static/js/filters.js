// The history is filtered as its filters are changed; the button is for those without scripts.

const root = document.querySelector('[data-module~="filters"]');
root.dataset.enhanced = "";

// An address without the filters that filter nothing.
root.addEventListener("htmx:configRequest", ({ detail }) => {
  for (const [name, value] of [...detail.formData]) {
    if (value === "") detail.formData.delete(name);
  }
});

// On a small screen they are folded but for the search; chips show which of them are in force.
root.querySelector("[data-filters-more]").addEventListener("click", ({ currentTarget }) => {
  currentTarget.ariaExpanded = String(root.toggleAttribute("data-open"));
});
