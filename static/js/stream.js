// The moving picture of a live camera: paused by a button, at rest while nobody sees the page, a
// still that is renewed where it can't move, and asked for again where it got stuck.

const screen = document.querySelector('[data-module~="stream"]');
const note = screen.querySelector("[data-stream-note]");
const button = screen.querySelector("[data-hold]");
const { stream, still } = screen.dataset;
const retryAfter = Number(screen.dataset.streamRetry);
const stuckAfter = Number(screen.dataset.streamStuck);
const lookEvery = Number(screen.dataset.streamLook);
const strip = Number(screen.dataset.streamStrip);

let paused = matchMedia("(prefers-reduced-motion: reduce)").matches; // until Play is pressed
let refusedUntil = 0;
let lastSeen = "";
let lastMoved = Date.now();

const image = () => screen.querySelector("img");
const isLive = () => document.getElementById("camera-state")?.dataset.isLive === "yes";

// As it is swapped in, so that a stream that is given up ends.
function put({ moving, renewed }) {
  const shown = image();
  if (!shown) return;
  const next = shown.cloneNode();
  next.toggleAttribute("data-stream", moving);
  next.toggleAttribute("data-still", !moving && renewed);
  next.src = `${moving ? stream : still}?at=${Date.now()}`;
  next.addEventListener("error", () => moving && refused(next));
  shown.removeAttribute("src");
  shown.replaceWith(next);
  lastMoved = Date.now();
}

async function refused(which) {
  if (which !== image()) return;
  refusedUntil = Date.now() + retryAfter;
  update();
  setTimeout(update, retryAfter + 100);
  const answer = await fetch(stream, { method: "HEAD" });
  note.textContent = answer.status === 503 ? "There is no room for another stream just now: this still is renewed every few seconds." : "";
}

function update() {
  const shown = image();
  if (!shown) return void (isLive() && location.reload()); // the first picture has come
  const moving = isLive() && !paused && !document.hidden && Date.now() >= refusedUntil;
  const renewed = isLive() && !paused;
  if (moving !== shown.hasAttribute("data-stream") || (!moving && renewed !== shown.hasAttribute("data-still"))) put({ moving, renewed });
  if (moving) note.textContent = "";
  button.parentElement.hidden = !isLive();
  button.querySelector("[data-if-playing]").hidden = paused;
  button.querySelector("[data-if-paused]").hidden = !paused;
  mark();
}

// Whether it is of now stands over the picture, which the state's part doesn't hold.
function mark() {
  const frame = image().parentElement;
  frame.toggleAttribute("data-old", !isLive());
  const words = paused && isLive() ? "Paused: this picture stands still" : document.getElementById("camera-state")?.dataset.pictureNote ?? "";
  let label = frame.querySelector(".live-picture__note");
  if (!words) return void label?.remove();
  if (!label) {
    label = document.createElement("span");
    label.className = "live-picture__note";
    frame.append(label);
  }
  if (label.textContent.trim() !== words) label.textContent = words;
}

// Browsers don't tell when such a picture has got its last part: the clock in it stands still.
function watch() {
  const shown = image();
  if (shown?.hasAttribute("data-stream") && shown.naturalWidth) {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    [canvas.width, canvas.height] = [shown.naturalWidth, strip];
    context.drawImage(shown, 0, shown.naturalHeight - strip, shown.naturalWidth, strip, 0, 0, shown.naturalWidth, strip);
    const seen = canvas.toDataURL("image/jpeg");
    if (seen !== lastSeen) lastMoved = Date.now();
    lastSeen = seen;
    if (Date.now() - lastMoved > stuckAfter && isLive()) put({ moving: true, renewed: true });
  }
}

button?.addEventListener("click", () => {
  paused = !paused;
  refusedUntil = 0;
  update();
});
document.addEventListener("visibilitychange", update);
document.addEventListener("htmx:load", ({ detail }) => detail.elt.id === "camera-state" && update());
const first = image();
first?.addEventListener("error", ({ target }) => target.hasAttribute("data-stream") && refused(target));
// The answer may have come before this script.
if (first?.complete && !first.naturalWidth && first.hasAttribute("data-stream")) refused(first);
if (button) {
  update();
  setInterval(watch, lookEvery);
}
