// The page of an event: plays its seconds over and over, and goes to the events beside it.

import { timelineOf } from "./player/timeline.js";

const root = document.querySelector('[data-module~="event"]');
const [start, end] = [root.dataset.start, root.dataset.end].map(Number);
const endSlack = Number(root.dataset.endSlack); // seconds by which a player may come too late
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const timeline = timelineOf(root);
const player = () => root.querySelector("video");
const loop = () => root.querySelector("[data-loop]");

let begun = false;

function begin() {
  timeline.seek(start);
}

// Without sound a browser lets a page play by itself; who asked for calm presses Play.
function play() {
  const video = player();
  if (!video || video.readyState === 0 || begun) return;
  begun = true;
  begin();
  if (calm.matches) return;
  video.muted = true;
  timeline.play().catch(() => {}); // then Play is there to be pressed
}

// However late a busy machine notices: who looks elsewhere, doesn't want it repeated any more.
const isAtEnd = () => timeline.isOver || (timeline.moment >= end && !player().seeking);

// At the end of what its address asks for, a player pauses once by itself.
function again() {
  if (!loop().checked || !isAtEnd()) return;
  begin();
  if (player().paused || player().ended) timeline.play();
}

// Who looks elsewhere shall not be taken back.
function look() {
  const { moment } = timeline;
  if (moment >= start - endSlack && moment <= end + endSlack) return;
  loop().checked = false;
  begun = true;
}

// Media events don't bubble, so these listen on the way down.
for (const news of ["timeupdate", "pause", "ended"]) root.addEventListener(news, again, true);
root.addEventListener("seeking", look, true);
root.addEventListener("loadedmetadata", play, true);
root.addEventListener("change", ({ target }) => {
  if (target === loop() && target.checked) begin();
});

// The same keys as at the reviewer's desk.
const note = () => root.querySelector("#answer-note");
const acts = {
  j: () => root.querySelector("[data-following]")?.click(),
  k: () => root.querySelector("[data-previous]")?.click(),
  n: () => note()?.focus(),
};

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "Escape" && target === note()) target.blur();
  if (target.closest("input:not([type=checkbox]), select, textarea, dialog") || !Object.hasOwn(acts, key)) return;
  event.preventDefault(); // the key is no letter of the note
  acts[key]();
});

play();
