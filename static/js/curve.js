// The score curve leads the player, and follows it.

const root = document.querySelector('[data-module~="curve"]');
const sameFrame = Number(root.dataset.sameFrame); // seconds by which moments of one frame may differ
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const player = () => root.querySelector("video");
const plays = () => player() && !player().hidden && player().readyState > 0;
const part = (hook) => chart.querySelector(`[${hook}]`);
const set = (element, values) => {
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
};

let chart = null; // the one that is shown
let length = 0; // its seconds
let lines = [];
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
  length = Number(chart.dataset.seconds);
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
    set(chart, { "aria-valuemin": 0, "aria-valuemax": length });
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
    set(part("data-playhead"), { x: across(moment()) });
    tell(moment());
  }
  show();
}

// While the clip plays only what is new: another track, or an event that begins or ends.
function tell(seconds) {
  const found = highest(seconds);
  const news = `${found?.name} ${found?.inEvent}`;
  if (!player().paused && news === told) return;
  told = news;
  set(chart, { "aria-valuenow": seconds.toFixed(2), "aria-valuetext": words(seconds, found) });
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
  for (const { line, name } of lines) line.toggleAttribute("data-pointed", Boolean(pointed) && name === found?.name);
}

const moment = () => Math.min(player()?.currentTime ?? 0, length);
const across = (seconds) => `${((100 * seconds) / length).toFixed(2)}%`;

function words(seconds, found) {
  const score = found ? `${found.name}, score ${found.digits}` : "no score";
  return `${clock(seconds)}, ${score}${found?.inEvent ? ", possible shoplifting" : ""}`;
}

// As players show it: "0:06", "1:02:03".
function clock(seconds) {
  const whole = Math.floor(seconds + sameFrame);
  const [hours, minutes, rest] = [whole / 60 / 60, (whole / 60) % 60, whole % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

// What each line has at a moment.
function at(seconds) {
  return lines.flatMap(({ name, readings }) => {
    const found = readings.findLast(([since, until]) => since <= seconds + sameFrame && seconds <= until + sameFrame);
    if (!found) return [];
    const [, , score, digits, inEvent] = found;
    return [{ name, score, digits, inEvent }];
  });
}

const highest = (seconds) => at(seconds).sort((one, other) => other.score - one.score)[0];

function nearest({ seconds, score }) {
  const distance = (found) => Math.abs(found.score - score);
  return at(seconds).sort((one, other) => distance(one) - distance(other))[0];
}

const seek = (seconds) => { player().currentTime = seconds; };
const back = (moments) => seek(moments.findLast((seconds) => seconds < moment() - sameFrame) ?? 0);
const on = (moments) => seek(moments.find((seconds) => seconds > moment() + sameFrame) ?? length);
const stops = () => JSON.parse(chart.dataset.stops);
const peaks = () => JSON.parse(chart.dataset.peaks);
const playOrPause = () => (player().paused ? player().play() : player().pause());

const keys = {
  ArrowLeft: () => back(stops()),
  ArrowDown: () => back(stops()),
  ArrowRight: () => on(stops()),
  ArrowUp: () => on(stops()),
  PageUp: () => back(peaks()),
  PageDown: () => on(peaks()),
  Home: () => seek(0),
  End: () => seek(length),
  Enter: playOrPause,
  " ": playOrPause,
};

function point({ clientX, clientY }) {
  const { left, top, width, height } = part("data-ground").getBoundingClientRect();
  const share = Math.min(Math.max((clientX - left) / width, 0), 1);
  pointed = { seconds: share * length, score: 1 - (clientY - top) / height };
}

const drags = ({ pointerId }) => chart.hasPointerCapture(pointerId);

// A finger may be about to scroll the page: it seeks once it moves along the curve, or is lifted.
const listeners = {
  pointerdown(event) {
    if (!plays() || event.button) return;
    chart.setPointerCapture(event.pointerId);
    point(event);
    if (event.pointerType !== "touch") seek(pointed.seconds);
  },
  pointermove(event) {
    point(event);
    if (drags(event)) seek(pointed.seconds);
    show();
  },
  pointerup(event) {
    if (drags(event)) seek(pointed.seconds);
  },
  pointerleave() {
    pointed = null;
    show();
  },
  keydown(event) {
    if (!plays() || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  },
};

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
