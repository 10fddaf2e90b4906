// The pictures lead the player, and the player marks the pictures. Of copies of segments a slider shows the
// whole.

import { clock } from "./player/clock.js";
import { timelineOf } from "./player/timeline.js";

const root = document.querySelector('[data-module~="player"]');
const sameFrame = Number(root.dataset.sameFrame); // seconds by which moments of one frame may differ
const rounded = Number(root.dataset.momentStep); // seconds: moments may be rounded down by as much
const find = (hook) => root.querySelector(`[${hook}]`);
const player = () => find("data-player");
const timeline = timelineOf(root);

root.addEventListener("click", (event) => {
  const frame = event.target.closest("[data-seek]");
  if (!frame || !player() || player().hidden) return;
  event.preventDefault();
  timeline.seek(Number(frame.dataset.seek) + rounded);
  player().scrollIntoView({ block: "nearest", behavior: "smooth" });
});

// Media events don't bubble, so these listen on the way down.
root.addEventListener("timeupdate", () => {
  for (const strip of root.querySelectorAll("[data-strip]")) {
    const frames = [...strip.querySelectorAll("[data-seek]")];
    const shown = frames.findLast((frame) => Number(frame.dataset.seek) <= timeline.moment + sameFrame);
    for (const frame of frames) {
      if (frame === shown) frame.setAttribute("aria-current", "true");
      else frame.removeAttribute("aria-current");
    }
  }
}, true);

// The player's own slider knows no more than one segment.
function showWhole() {
  const whole = find("data-whole");
  if (!whole) return;
  if (!whole.matches(":active")) whole.value = timeline.moment;
  sayWhole(whole);
}

function sayWhole(whole) {
  const [now, end] = [whole.value, whole.max].map((seconds) => clock(Number(seconds) + sameFrame));
  const words = `${now} of ${end}`;
  // Who listens to a slider in focus hears no seconds pass.
  if (timeline.isPaused || whole !== document.activeElement) whole.setAttribute("aria-valuetext", words);
  find("data-whole-words").textContent = words;
}

root.addEventListener("input", ({ target }) => { if (target === find("data-whole")) sayWhole(target); });
root.addEventListener("change", ({ target }) => {
  if (target === find("data-whole")) timeline.seek(Number(target.value));
});
root.addEventListener("timeupdate", showWhole, true);
root.addEventListener("htmx:load", showWhole);
showWhole();

// One button for full screen, with boxes or without: the player's own would leave them behind.
function offerFullScreen() {
  const button = find("data-fullscreen");
  if (!button || !document.fullscreenEnabled) return;
  button.hidden = false;
  player().controlsList?.add("nofullscreen");
}

root.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-fullscreen]")) return;
  if (document.fullscreenElement) document.exitFullscreen();
  else target.closest("section").requestFullscreen();
});

root.addEventListener("fullscreenchange", () => {
  const label = find("data-fullscreen").querySelector("span");
  label.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
});

root.addEventListener("htmx:load", offerFullScreen); // the player may come later, with its copy
offerFullScreen();

function giveUp() {
  player().hidden = true; // and with it the boxes over it
  find("data-player-problem").hidden = false;
}

root.addEventListener("error", ({ target }) => {
  if (target === player() && !timeline.inSegments && !timeline.isRenewing) giveUp();
}, true);
if (player()?.error && !timeline.inSegments) giveUp(); // it failed before this script ran
