// The score curve leads the player, and follows it. Of a long recording it shows a stretch; its links
// lead to others.

import { clock } from "./player/clock.js";
import { timelineOf } from "./player/timeline.js";

const root = document.querySelector('[data-module~="curve"]');
const sameFrame = Number(root.dataset.sameFrame); // seconds by which moments of one frame may differ
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const player = () => root.querySelector("video");
const timeline = timelineOf(root);
const plays = () => timeline.isReady;
const part = (hook) => chart.querySelector(`[${hook}]`);
const set = (element, values) => {
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
};

let chart = null; // the one that is shown
let since = 0; // its first second
let length = 0; // its seconds
let whole = 0; // those of the recording
let lines = [];
let gaps = [];
let chosen = null; // where the selection of a stretch began, in seconds
let shown = true; // whether the playhead is in the stretch
let keepsFocus = false;
let leads = false; // whether a key in the chart was the last to seek
let pointed = null; // { seconds, score } under the pointer
let told = ""; // what assistive technology was told last, but for moment and score

// The curve may come later than the player, when the analysis ends, or the other way round.
function start() {
  const found = root.querySelector("[data-curve]");
  if (found && found !== chart) take(found);
  if (chart) offer();
}

function take(found) {
  chart = found;
  since = Number(chart.dataset.since);
  length = Number(chart.dataset.seconds);
  whole = Number(chart.dataset.whole ?? length);
  gaps = JSON.parse(chart.dataset.gaps ?? "[]");
  shown = inside(moment());
  lines = [...chart.querySelectorAll("[data-readings]")].map((line) => ({
    line,
    name: line.dataset.of,
    readings: JSON.parse(line.dataset.readings),
  }));
  for (const [name, listener] of Object.entries(listeners)) chart.addEventListener(name, listener);
}

// A slider where there is something to lead; a picture otherwise, as without scripts.
function offer() {
  if (plays()) {
    set(chart, { role: "slider", tabindex: 0, "aria-label": chart.dataset.label });
    set(chart, { "aria-valuemin": since, "aria-valuemax": until() });
    if (keepsFocus) chart.focus({ preventScroll: true });
    keepsFocus = false;
  } else {
    const names = chart.getAttributeNames();
    for (const name of names) if (/^(role|tabindex|aria-(label|value.*))$/.test(name)) chart.removeAttribute(name);
    part("data-playhead").removeAttribute("x");
  }
  draw();
}

function draw() {
  if (!chart) return;
  if (plays()) {
    if (inside(moment())) set(part("data-playhead"), { x: across(moment()) });
    else part("data-playhead").removeAttribute("x");
    tell(moment());
    followOn();
  }
  show();
}

// While the clip plays on, the stretch goes along; who seeks elsewhere is offered to go there.
function followOn() {
  const beside = root.querySelector("[data-beside]");
  if (!beside) return;
  const wasShown = shown;
  shown = inside(moment());
  beside.hidden = shown;
  if (wasShown && !shown && (!timeline.isPaused || leads)) beside.click();
}

// While the clip plays only what is new: another track, or an event that begins or ends.
function tell(seconds) {
  const found = highest(seconds);
  const news = `${found?.name} ${found?.inEvent}`;
  if (!timeline.isPaused && news === told) return;
  told = news;
  const now = Math.min(Math.max(seconds, since), until());
  set(chart, { "aria-valuenow": now.toFixed(2), "aria-valuetext": words(seconds, found) });
}

// What is under the pointer; without one, what the player shows.
function show() {
  const seconds = pointed ? pointed.seconds : moment();
  const found = pointed ? nearest(pointed) : highest(seconds);
  const reading = root.querySelector("[data-reading]");
  reading.hidden = !pointed && !plays();
  reading.textContent = words(seconds, found);
  if (pointed) set(part("data-guide"), { x: across(seconds) });
  else part("data-guide").removeAttribute("x");
  for (const { line, name } of lines) line.toggleAttribute("data-pointed", Boolean(pointed) && lines.length > 1 && name === found?.name);
}

const until = () => since + length;
const moment = () => Math.min(timeline.moment, whole);
const inside = (seconds) => seconds >= since - sameFrame && seconds <= until() + sameFrame;
const across = (seconds) => `${((100 * (seconds - since)) / length).toFixed(2)}%`;

function words(seconds, found) {
  const gap = gaps.find(([start, end]) => start <= seconds && seconds < end);
  const none = gap ? gap.at(-1) : inside(seconds) ? "no score" : "not in the stretch that is shown";
  const score = found ? `${found.name}, score ${found.digits}` : none;
  return `${clock(seconds + sameFrame)}, ${score}${found?.inEvent ? ", possible shoplifting" : ""}`;
}

// What each line has at a moment.
function at(seconds) {
  return lines.flatMap(({ name, readings }) => {
    const found = readings.findLast(([since, until]) => since <= seconds + sameFrame && seconds <= until + sameFrame);
    if (!found) return [];
    const [, , score, digits, inEvent, of] = found;
    return [{ name: of ?? name, score, digits, inEvent }];
  });
}

const highest = (seconds) => at(seconds).sort((one, other) => other.score - one.score)[0];

function nearest({ seconds, score }) {
  const distance = (found) => Math.abs(found.score - score);
  return at(seconds).sort((one, other) => distance(one) - distance(other))[0];
}

const seek = (seconds) => timeline.seek(seconds);
const back = (moments) => seek(moments.findLast((seconds) => seconds < moment() - sameFrame) ?? since);
const on = (moments) => seek(moments.find((seconds) => seconds > moment() + sameFrame) ?? until());
const stops = () => JSON.parse(chart.dataset.stops);
const peaks = () => JSON.parse(chart.dataset.peaks);
const playOrPause = () => (timeline.isPaused ? timeline.play() : timeline.pause());

// At an edge of the stretch it goes on to the next one, if there is one.
const press = (hook) => root.querySelector(`[${hook}]`)?.click();
const stepBack = () => (moment() > since + sameFrame ? back(stops()) : press("data-earlier"));
const stepOn = () => (moment() < until() - sameFrame ? on(stops()) : press("data-later"));

// Levels stand from all of it to a minute.
const levels = () => [...root.querySelectorAll("[data-zoom]")];
const closer = () => levels().find(({ dataset }) => Number(dataset.zoom) < Math.floor(length))?.click();
const wider = () => levels().findLast(({ dataset }) => Number(dataset.zoom) > Math.ceil(length))?.click();

const keys = {
  ArrowLeft: stepBack,
  ArrowDown: stepBack,
  ArrowRight: stepOn,
  ArrowUp: stepOn,
  PageUp: () => back(peaks()),
  PageDown: () => on(peaks()),
  Home: () => seek(since),
  End: () => seek(until()),
  "+": closer,
  "=": closer,
  "-": wider,
  0: () => levels().at(0)?.click(),
  Enter: playOrPause,
  " ": playOrPause,
};

function point({ clientX, clientY }) {
  const { left, top, width, height } = part("data-ground").getBoundingClientRect();
  const share = Math.min(Math.max((clientX - left) / width, 0), 1);
  pointed = { seconds: since + share * length, score: 1 - (clientY - top) / height };
}

// With Shift a stretch is selected.
const chooses = (event) => event.shiftKey && root.querySelector("[data-zoom]");
const ends = () => [chosen, pointed.seconds].sort((one, other) => one - other);

function showChosen() {
  if (chosen === null) return part("data-chosen").removeAttribute("x");
  const [start, end] = ends();
  set(part("data-chosen"), { x: across(start), width: `${((100 * (end - start)) / length).toFixed(2)}%` });
}

function choose() {
  const [start, end] = ends();
  chosen = null;
  showChosen();
  const form = root.querySelector("form:has([name=from])");
  form.elements.from.value = start.toFixed(1);
  form.elements.to.value = end.toFixed(1);
  form.requestSubmit();
}

const drags = ({ pointerId }) => chart.hasPointerCapture(pointerId);

// A finger may be about to scroll the page: it seeks once it moves along the curve, or is lifted.
const listeners = {
  pointerdown(event) {
    if (!plays() || event.button) return;
    chart.setPointerCapture(event.pointerId);
    point(event);
    if (chooses(event)) chosen = pointed.seconds;
    else if (event.pointerType !== "touch") seek(pointed.seconds);
  },
  pointermove(event) {
    point(event);
    if (chosen !== null) showChosen();
    else if (drags(event)) seek(pointed.seconds);
    show();
  },
  pointerup(event) {
    if (chosen !== null) choose();
    else if (drags(event)) seek(pointed.seconds);
  },
  pointercancel() {
    chosen = null;
    showChosen();
  },
  pointerleave() {
    pointed = null;
    show();
  },
  keydown(event) {
    if (!plays() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && event.key !== "+") return;
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    leads = true;
    draw();
  },
};

// A link of the stretch that is pressed keeps the playhead in the middle, where it is in sight.
root.addEventListener("htmx:configRequest", ({ detail }) => {
  const { zoom, beside } = detail.elt.dataset;
  if (!plays() || (beside === undefined && !(zoom && inside(moment())))) return;
  const asked = new URL(detail.path, location);
  if (!asked.searchParams.has("from")) return;
  const seconds = Math.min(Number(zoom ?? length), whole);
  const start = Math.floor(Math.min(Math.max(moment() - seconds / 2, 0), whole - seconds));
  asked.searchParams.set("from", start);
  asked.searchParams.set("to", Math.ceil(start + seconds));
  detail.path = `${asked.pathname}${asked.search}`;
});

root.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.contains(chart)) keepsFocus = chart === document.activeElement;
});

// Who goes on elsewhere than in the curve doesn't take it along.
root.addEventListener("pointerdown", () => { leads = false; }, true);

// Between two reports of the player the playhead moves on, if it may.
function follow() {
  draw();
  if (player() && !player().paused && !calm.matches) requestAnimationFrame(follow);
}

// Media events don't bubble, so these listen on the way down.
for (const news of ["loadedmetadata", "error"]) root.addEventListener(news, start, true);
for (const news of ["timeupdate", "seeking", "pause"]) root.addEventListener(news, draw, true);
root.addEventListener("play", follow, true);
root.addEventListener("htmx:load", start);
start();
