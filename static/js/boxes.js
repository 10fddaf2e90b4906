// Boxes of people over the player, in step with the frame that it shows.

import { timelineOf } from "./player/timeline.js";

const root = document.querySelector('[data-module~="boxes"]');
const sameFrame = Number(root.dataset.sameFrame); // seconds by which moments of one frame may differ
const numberRoom = Number(root.dataset.numberRoom); // of the picture's height, above a box
const KEPT = "boxes"; // "hidden" if somebody wants to see the clip alone

const timeline = timelineOf(root);
const overlay = () => root.querySelector("[data-overlay]");
const picture = () => root.querySelector("[data-picture]");
const toggle = () => root.querySelector("[data-boxes-shown]");
const set = (element, values) => {
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
};

let player = null; // the one that is followed
let source = null; // the template that the boxes were taken from
let tracks = [];

// The player may come later than the boxes, when a copy has to be made first, or the other way round.
function start() {
  const video = root.querySelector("video");
  const template = root.querySelector("[data-tracks]");
  if (!video || !template || (video === player && template === source)) return;
  const boxes = [...template.content.cloneNode(true).querySelectorAll(".box")];
  tracks = boxes.map((box) => ({
    box,
    times: JSON.parse(box.dataset.times),
    sides: JSON.parse(box.dataset.boxes),
  }));
  picture().replaceChildren(...boxes);
  source = template;
  if (video !== player) follow(video);
  offerTools();
  fit();
  draw(timeline.moment);
}

function follow(video) {
  player = video;
  new ResizeObserver(fit).observe(video);
  video.addEventListener("resize", fit); // the picture's own size has become known
  video.addEventListener("seeked", () => draw(timeline.moment)); // busy browsers don't announce each frame
  const onNextFrame = video.requestVideoFrameCallback?.bind(video) ?? requestAnimationFrame;
  const look = (_, frame) => {
    draw(timeline.onClock(frame?.mediaTime ?? video.currentTime));
    if (video === player) onNextFrame(look);
  };
  look();
}

function draw(seconds) {
  for (const track of tracks) {
    const sides = sidesAt(track, seconds);
    track.box.setAttribute("display", sides ? "inline" : "none");
    if (sides) place(track.box, sides);
  }
}

// Between two boxes a track moves evenly; before the first and after the last nobody is there.
function sidesAt({ times, sides }, seconds) {
  if (seconds < times[0] - sameFrame || seconds > times.at(-1) + sameFrame) return null;
  const next = times.findIndex((time) => time >= seconds);
  if (next < 1) return sides.at(next);
  const share = (seconds - times[next - 1]) / (times[next] - times[next - 1]);
  return sides[next].map((side, i) => sides[next - 1][i] + share * (side - sides[next - 1][i]));
}

function place(box, [left, top, right, bottom]) {
  const percent = (share) => `${(100 * share).toFixed(3)}%`;
  box.toggleAttribute("data-room-above", top > numberRoom);
  for (const part of box.children) {
    set(part, { x: percent(left), y: percent(top) });
    if (part.localName === "rect") {
      set(part, { width: percent(right - left), height: percent(bottom - top) });
    }
  }
}

// The player centers its picture and leaves bars beside it. Of the last item nothing is there any more.
function fit() {
  if (!picture()) return;
  const { clientWidth, clientHeight, videoWidth, videoHeight } = player;
  if (!videoWidth) return;
  const scale = Math.min(clientWidth / videoWidth, clientHeight / videoHeight);
  const [width, height] = [videoWidth * scale, videoHeight * scale];
  set(picture(), { x: (clientWidth - width) / 2, y: (clientHeight - height) / 2, width, height });
}

function offerTools() {
  toggle().closest("label").hidden = false;
  toggle().checked = localStorage.getItem(KEPT) !== "hidden";
  show();
}

function show() {
  overlay().setAttribute("display", toggle().checked && !player.hidden ? "inline" : "none");
}

root.addEventListener("change", ({ target }) => {
  if (target !== toggle()) return;
  localStorage.setItem(KEPT, target.checked ? "shown" : "hidden");
  show();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "b" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog")) return;
  if (player) toggle()?.click();
});

root.addEventListener("htmx:load", start);
start();
