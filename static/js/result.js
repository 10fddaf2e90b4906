// The pictures lead the player, the player marks the pictures; fingerprints can be copied.

const ROUNDED = 0.001; // seconds: moments are given to the millisecond, and may be rounded down

const announcer = document.querySelector("[data-announcer]");
const player = () => document.querySelector("[data-player]");

document.addEventListener("click", async (event) => {
  const frame = event.target.closest("[data-seek]");
  const copy = event.target.closest("[data-copy]");
  if (frame && player() && !player().hidden) {
    event.preventDefault();
    player().currentTime = Number(frame.dataset.seek) + ROUNDED;
    player().scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
  if (copy) {
    getSelection().selectAllChildren(copy.previousElementSibling);
    await navigator.clipboard?.writeText(copy.dataset.copy); // only over HTTPS or on this machine
    announcer.textContent = navigator.clipboard ? "Copied" : "Selected";
  }
});

// Media events don't bubble, so these listen on the way down.
document.addEventListener("timeupdate", () => {
  for (const strip of document.querySelectorAll("[data-strip]")) {
    const frames = [...strip.querySelectorAll("[data-seek]")];
    const shown = frames.findLast((frame) => Number(frame.dataset.seek) <= player().currentTime + 0.02);
    for (const frame of frames) {
      if (frame === shown) frame.setAttribute("aria-current", "true");
      else frame.removeAttribute("aria-current");
    }
  }
}, true);

// One button for full screen, with boxes or without: the player's own would leave them behind.
function offerFullScreen() {
  const button = document.querySelector("[data-fullscreen]");
  if (!button || !document.fullscreenEnabled) return;
  button.hidden = false;
  player().controlsList?.add("nofullscreen");
}

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-fullscreen]")) return;
  if (document.fullscreenElement) document.exitFullscreen();
  else target.closest("section").requestFullscreen();
});

document.addEventListener("fullscreenchange", () => {
  const label = document.querySelector("[data-fullscreen] span");
  label.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
});

document.addEventListener("htmx:load", offerFullScreen); // the player may come later, with its copy
offerFullScreen();

function giveUp() {
  player().hidden = true; // and with it the boxes over it
  document.querySelector("[data-player-problem]").hidden = false;
}

document.addEventListener("error", ({ target }) => {
  if (target === player()) giveUp();
}, true);
if (player()?.error) giveUp(); // it failed before this script ran
