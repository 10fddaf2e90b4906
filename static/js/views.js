// Which saved view of a list is shown is marked as its filters change: as the server does it, in any order, on any page of it.

const besides = ["sort", "after", "before", "at", "event"];
const filters = (address) => {
  const asked = [...new URL(address, location).searchParams];
  const kept = asked.filter(([name, value]) => value && !besides.includes(name));
  return String(new URLSearchParams(kept.sort()));
};

addEventListener("htmx:pushedIntoHistory", ({ detail }) => {
  for (const link of document.querySelectorAll('[data-module~="views"] a')) {
    if (filters(link.href) === filters(detail.path)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
});
