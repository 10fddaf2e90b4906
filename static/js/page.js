// What every page can do: announce what changed, notice a lost session, answer to shortcuts.

const announcer = document.querySelector("[data-announcer]");

function announce(root) {
  const news = [root, ...root.querySelectorAll("[data-announce]")]
    .map((element) => element.dataset?.announce)
    .find(Boolean);
  if (news && news !== announcer.textContent) announcer.textContent = news;
}

// A part that changed says so through [data-announce], wherever it came from.
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt !== document.body) announce(detail.elt); // the whole page is no news
});

// A poll that is sent to the sign-in page, or whose analysis is in the trash or gone, would ask for
// ever. What became of clips that were just sent stays on the page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const signedOut = new URL(xhr.responseURL, location).pathname === document.body.dataset.loginUrl;
  if (signedOut || xhr.status === 404 || xhr.status === 410) {
    event.detail.shouldSwap = false;
    if (!document.querySelector("[data-uploads] > *")) location.reload();
  }
});

// Rows that are not finished ask together (components/live_rows.html); without any, nobody asks.
const live = (element) => element.matches("[data-live]");

document.addEventListener("htmx:beforeRequest", (event) => {
  if (live(event.detail.elt) && !document.querySelector("[name=live]")) event.preventDefault();
});

// An address has its limits; of more rows than fit, each gets its turn.
const AT_ONCE = 40;
let turn = 0;

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!live(detail.elt)) return;
  const marks = detail.formData.getAll("live");
  if (marks.length <= AT_ONCE) return;
  detail.formData.delete("live");
  turn = (turn + AT_ONCE) % marks.length;
  for (const mark of [...marks, ...marks].slice(turn, turn + AT_ONCE)) detail.formData.append("live", mark);
});

document.addEventListener("click", ({ target }) => {
  const opener = target.closest("[data-show]");
  if (opener) document.getElementById(opener.dataset.show).showModal();
});

// A file that is let go of where nobody takes it must not replace the page.
const holdsFiles = ({ dataTransfer }) => dataTransfer.types.includes("Files");

addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});

addEventListener("drop", (event) => {
  if (event.defaultPrevented || !holdsFiles(event)) return;
  event.preventDefault();
  const note = document.querySelector("[data-stray-drop]")?.content.firstElementChild.cloneNode(true);
  if (!note || document.querySelector("main > [data-announce]")) return;
  document.querySelector("main").prepend(note);
  announce(note);
});

const shortcuts = {
  "?": () => document.getElementById("shortcuts")?.showModal(),
  u: () => document.querySelector("[data-shortcut=u]")?.click(),
  h: () => document.querySelector("[data-shortcut=h]")?.click(),
  "/": () => {
    const search = document.querySelector("input[type=search]");
    if (search) search.focus();
    else document.querySelector("[data-shortcut=h]")?.click();
  },
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=radio]), select, textarea, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = Object.hasOwn(shortcuts, event.key) && shortcuts[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
