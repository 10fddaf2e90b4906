// What people say of a clip, on the pages of results and events: a refusal is shown where the answer was, and
// the ends of a missed stretch are taken from the player.

import { clock } from "./player/clock.js";
import { timelineOf } from "./player/timeline.js";

const root = document.querySelector('[data-module~="answers"]');
const timeline = timelineOf(root);
const rounds = { start: Math.floor, end: Math.ceil };

root.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { status } = detail.xhr;
  if (detail.target.id !== "answers" || (status !== 409 && status !== 422)) return;
  detail.shouldSwap = true;
  detail.isError = false;
});

root.addEventListener("click", ({ target }) => {
  const name = target.closest("[data-marks]")?.dataset.marks;
  if (name) root.querySelector(`#missed-${name}`).value = clock(rounds[name](timeline.moment));
});
