// The reviewer's desk: a key an answer. The next item is loaded behind the one that is looked at, so that its
// first picture is there at once.

import { timelineOf } from "./player/timeline.js";

const root = document.querySelector('[data-module~="review"]');
const byKeys = "byKeys" in root.dataset;
const frame = 1 / Number(root.dataset.frameRate); // seconds: about one picture
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const [behind, current, ahead, line] = ["#behind", "#current", "#ahead", "#answered"].map((id) => root.querySelector(id));
const timeline = timelineOf(current);
const itemIn = (place) => place.querySelector("[data-item]");
const videoIn = (place) => place.querySelector("video");
const isReady = () => !isAsked && ahead.hasChildNodes(); // htmx is done with it, too

let since = performance.now(); // when the item came in sight
let shown = null; // its video
let sent = null; // the answer that is on its way
let later = ""; // a key that was pressed meanwhile
let isAsked = false; // for the next item
let isWanted = false; // before it is there

// Without sound a browser lets a page play by itself; who asked for calm presses Play.
function show() {
  const video = videoIn(current);
  if (video === shown) return;
  shown = video;
  if (!video) return;
  const { playsFrom, loopsFrom, loopsUntil } = itemIn(current).dataset;
  const begin = () => {
    if (Math.abs(timeline.moment - Number(playsFrom)) > frame) timeline.seek(Number(playsFrom));
  };
  if (timeline.isReady) begin();
  else video.addEventListener("loadedmetadata", begin, { once: true });
  const again = () => {
    timeline.seek(Number(loopsFrom));
    play();
  };
  video.addEventListener("timeupdate", () => {
    if (video === shown && !timeline.isPaused && timeline.moment >= Number(loopsUntil)) again();
  });
  video.addEventListener("ended", () => { if (video === shown && timeline.isOver) again(); });
  if (!calm.matches) play();
}

const play = () => timeline.play().catch(() => {}); // then Play is there to be pressed

function arrive() {
  current.inert = false;
  since = performance.now();
  tellLeft(itemIn(current)?.dataset.left);
  show();
  if (!sent) prepare();
}

function tellLeft(words) {
  if (words === undefined) return;
  root.querySelector("[data-left-shown]").textContent = words;
  document.title = document.title.replace(/^(.* left( or more)?, )?/, words ? `${words}, ` : "");
}

function prepare() {
  ahead.replaceChildren();
  isWanted = false;
  const item = itemIn(current);
  if (!item) return;
  isAsked = true;
  window.htmx.ajax("GET", item.dataset.ahead, { source: ahead, target: ahead, swap: "innerHTML" });
}

// What is in one place goes to another; its pictures stay loaded.
function move(from, to) {
  to.replaceChildren(...from.childNodes);
}

function tellArrival() {
  const first = current.firstElementChild;
  first?.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: first } }));
}

// What waits behind comes in sight. What was asked for is asked for again if it didn't come.
function goOn() {
  if (isReady()) {
    itemIn(ahead)?.removeAttribute("data-left"); // as of when it was loaded
    move(ahead, current);
    tellArrival();
    return;
  }
  current.inert = true; // it is answered
  isWanted = true;
  if (!isAsked) prepareAgain();
}

function prepareAgain() {
  prepare();
  isWanted = true;
}

// While an answer is on its way the next item is looked at already; no other is given before it is saved.
function send() {
  sent = { since, hasNext: isReady() };
  if (!sent.hasNext) {
    current.inert = true;
    return;
  }
  videoIn(current)?.pause();
  move(current, behind);
  goOn();
}

function settle(isSaved) {
  if (!sent) return;
  const { hasNext, since: before } = sent;
  sent = null;
  if (isSaved) {
    behind.replaceChildren();
    if (hasNext) prepare();
    else goOn();
    return;
  }
  if (hasNext) {
    move(current, ahead);
    move(behind, current);
    shown = null;
    sent = { since: before }; // the next one is loaded already
    tellArrival();
    sent = null;
  }
  current.inert = false;
  since = before;
}

root.addEventListener("htmx:load", ({ target }) => {
  if (ahead.contains(target)) isAsked = false;
  if (target.matches("[data-segments]")) return; // that more copies are there is the timeline's to know
  if (current.contains(target)) arrive();
  else if (ahead.contains(target) && isWanted) goOn();
});

root.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData } = event.detail;
  if (!elt.matches("[data-answers]")) return;
  if (sent) event.preventDefault();
  else if (!formData.get("seconds")) {
    formData.set("seconds", ((performance.now() - since) / Number(root.dataset.perSecond)).toFixed(2));
  }
});

// An empty queue asks whether something waits only while somebody sees it: not while it is loaded ahead.
root.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (elt.matches("[data-nothing]") && (document.hidden || sent || !current.contains(elt))) event.preventDefault();
});

root.addEventListener("htmx:beforeSend", ({ detail }) => {
  if (detail.elt.matches("[data-answers]")) send();
});

// Why it isn't saved is said in the line above the pictures.
root.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { status } = detail.xhr;
  if (detail.target !== line || (status !== 409 && status !== 422)) return;
  detail.shouldSwap = true;
  detail.isError = false;
});

// Once htmx is done with the line, its keys work, too.
root.addEventListener("htmx:afterSettle", ({ detail }) => {
  const { target, xhr } = detail;
  if (target !== line) return;
  const isSaved = xhr.status === 200;
  line.inert = false;
  settle(isSaved);
  line.querySelector("[data-focus]")?.focus();
  if (isSaved) tellLeft(line.querySelector("[data-left]")?.dataset.left);
  if (isSaved && later) press(later);
  later = "";
});

// Until htmx is done with what came, its buttons and links would lead to other pages.
root.addEventListener("htmx:afterSwap", ({ detail }) => {
  const { target, requestConfig } = detail;
  if (target === current || target === line) target.inert = true;
  if (target === current && requestConfig.elt.matches("[data-takes-back], [data-leaves-it]")) line.replaceChildren();
});

// The server can't be reached, or stumbled.
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  root.addEventListener(failure, ({ target }) => {
    isAsked = false;
    if (ahead.contains(target) || !sent) return;
    settle(false);
    line.replaceChildren(root.querySelector("[data-not-saved]").content.cloneNode(true));
    line.dispatchEvent(new CustomEvent("announce", { bubbles: true }));
  });
}

root.addEventListener("click", (event) => {
  const skips = event.target.closest("[data-press=j]");
  if (!skips || (!sent && !isReady())) return;
  event.preventDefault();
  event.stopPropagation();
  if (!sent) goOn();
}, true);

function step(by) {
  if (!videoIn(current)) return;
  timeline.pause();
  timeline.seek(timeline.moment + by);
}

function playOrPause() {
  if (!videoIn(current)) return;
  if (timeline.isPaused) play();
  else timeline.pause();
}

const acts = { " ": playOrPause, ",": () => step(-frame), ".": () => step(frame) };

const pressedFor = (place, key) => place.querySelector(`[data-press="${key}"]`);

function press(key) {
  if (sent) {
    if (!pressedFor(current, key)) later = key; // of the answer that is on its way
    return true;
  }
  if (current.inert) return true;
  if (line.inert && pressedFor(line, key)) {
    later = key;
    return true;
  }
  const pressed = pressedFor(current, key) ?? pressedFor(line, key);
  if (pressed?.matches("textarea")) pressed.focus();
  else pressed?.click();
  return Boolean(pressed);
}

const isOwn = (target, key) => key === " " && target.closest("button, a, summary, video, label, [type=checkbox]");

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (!byKeys || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (target.matches("textarea") && key === "Escape") target.blur();
  if (target.closest("input:not([type=checkbox]), select, textarea, dialog") || isOwn(target, key)) return;
  if (Object.hasOwn(acts, key)) acts[key]();
  else if (!/^[1-9zjkn]$/.test(key) || !press(key)) return;
  event.preventDefault();
});

arrive();
