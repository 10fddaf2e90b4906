// Of the cameras, offers those of the store that is chosen. Without scripts all are there, by store.

const choice = document.querySelector('[data-module~="cameras"]');
const stores = choice?.querySelector("select[data-store]");
const cameras = choice?.querySelector("select[data-camera]");

if (stores && cameras) {
  const field = cameras.parentElement;
  const groups = [...cameras.querySelectorAll("optgroup")];

  function offer() {
    const chosen = cameras.value;
    const fitting = groups.filter((group) => group.dataset.store === stores.value);
    for (const group of groups) group.remove();
    cameras.append(...fitting);
    cameras.value = chosen;
    if (cameras.selectedIndex < 0) cameras.selectedIndex = 0; // it is another store's
    field.hidden = !fitting.length;
  }

  stores.addEventListener("change", offer);
  offer();
}
