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

// The view that is shown is marked: as the server does it, in whichever order and on whichever page.
const besides = ["sort", "after", "before", "at", "event"];
const filters = (address) => {
  const asked = [...new URL(address, location).searchParams];
  const kept = asked.filter(([name, value]) => value && !besides.includes(name));
  return String(new URLSearchParams(kept.sort()));
};

addEventListener("htmx:pushedIntoHistory", ({ detail }) => {
  for (const link of document.querySelectorAll("#views a")) {
    if (filters(link.href) === filters(detail.path)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
});
