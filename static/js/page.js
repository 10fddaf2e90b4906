// What every page can do: announce what changed, notice a lost session, answer to shortcuts.

const page = document.querySelector('[data-module~="page"]');
const announcer = page.querySelector("[data-announcer]");

function announce(part, sentence) {
  const news = sentence ?? [part, ...part.querySelectorAll("[data-announce]")]
    .map((element) => element.dataset?.announce)
    .find(Boolean);
  if (news && news !== announcer.textContent) announcer.textContent = news;
}

// Other scripts ask for it: with a sentence, or for what the part says of itself.
document.addEventListener("announce", ({ target, detail }) => announce(target, detail));

// A part that changed says so through [data-announce], wherever it came from.
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== page) announce(detail.elt); // the whole page is no news
});

// What somebody chose before htmx listened is shown already: it is asked for, too.
const shownFirst = ({ options }) => [...options].find(({ defaultSelected }) => defaultSelected) ?? options[0];
const isChanged = (field) => field instanceof HTMLSelectElement
  ? field.selectedOptions[0] !== shownFirst(field)
  : field instanceof HTMLInputElement && field.value !== field.defaultValue;

document.addEventListener("htmx:load", ({ target }) => {
  for (const form of target.querySelectorAll("form[hx-get][hx-trigger*=change]")) {
    if ([...form.elements].some(isChanged)) form.requestSubmit();
  }
});

// A poll that is sent to the sign-in page, or whose analysis is in the trash or gone, would ask for
// ever. What became of clips that were just sent stays on the page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const signedOut = new URL(xhr.responseURL, location).pathname === page.dataset.loginUrl;
  if (signedOut || xhr.status === 404 || xhr.status === 410) {
    event.detail.shouldSwap = false;
    if (!page.querySelector("[data-keeps-page] > *")) location.reload();
  }
});

// Parts of a page change each by itself: what the address says of the others stays as it is now.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const part = detail.elt.closest("[data-parameters]");
  if (!part) return;
  const own = part.dataset.parameters.split(" ");
  const asked = new URL(detail.path, location);
  const address = new URL(location);
  for (const name of own) address.searchParams.delete(name);
  for (const [name, value] of asked.searchParams) if (own.includes(name)) address.searchParams.set(name, value);
  for (const name of [...detail.formData.keys()]) if (!own.includes(name)) detail.formData.delete(name);
  detail.path = `${asked.pathname}${address.search}`;
});

// The dialog learns what opens it; a link to the same goes there where this page has no such dialog.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-show]");
  const dialog = opener && document.getElementById(opener.dataset.show);
  if (!dialog) return;
  event.preventDefault();
  dialog.dispatchEvent(new CustomEvent("opening", { detail: opener }));
  dialog.showModal();
});

// A file that is let go of where nobody takes it must not replace the page.
const holdsFiles = ({ dataTransfer }) => dataTransfer.types.includes("Files");

addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});

addEventListener("drop", (event) => {
  if (event.defaultPrevented || !holdsFiles(event)) return;
  event.preventDefault();
  const note = page.querySelector("[data-stray-drop]")?.content.firstElementChild.cloneNode(true);
  if (!note || page.querySelector("main > [data-announce]")) return;
  page.querySelector("main").prepend(note);
  announce(note);
});

const shortcuts = {
  "?": () => document.getElementById("shortcuts")?.showModal(),
  u: () => page.querySelector("[data-shortcut=u]")?.click(),
  h: () => [...page.querySelectorAll("[data-shortcut=h]")].at(-1)?.click(), // the page's own, if it has one
  J: () => page.querySelector("[data-shortcut=J]")?.click(),
  K: () => page.querySelector("[data-shortcut=K]")?.click(),
  d: () => page.querySelector("[data-shortcut=d]")?.click(),
  r: () => page.querySelector("[data-shortcut=r]")?.click(),
  a: () => page.querySelector("[data-shortcut=a]")?.click(),
  l: () => page.querySelector("[data-shortcut=l]")?.click(),
  "/": () => {
    const search = page.querySelector("input[type=search]");
    if (search) search.focus();
    else page.querySelector("[data-shortcut=h]")?.click();
  },
};

// Speech input and shaking hands press keys that nobody meant: who switched single keys off gets
// them kept from every script, but for a slider or a field that has the focus.
const isSign = ({ key }) => key.length === 1 && key !== " ";

document.addEventListener(
  "keydown",
  (event) => {
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (page.dataset.keysOff === undefined || held || !isSign(event)) return;
    if (!event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [role=slider]")) event.stopImmediatePropagation();
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=radio]), select, textarea, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = Object.hasOwn(shortcuts, event.key) && shortcuts[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
