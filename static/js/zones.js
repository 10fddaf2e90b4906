// Zones that are ignored, drawn on a picture of the camera by pointer or keys. The text field has
// them as they are sent; it can be edited meanwhile.

const root = document.querySelector('[data-module~="zones"]');
const picture = root.querySelector("[data-zones-picture]");
const text = root.querySelector("textarea");
const step = Number(root.dataset.zonesStep); // all in percent of the picture
const smallStep = Number(root.dataset.zonesSmallStep);
const near = Number(root.dataset.zonesNear);
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let open = []; // the points of the zone that is being drawn
let cross = [100 / 2, 100 / 2];

const written = (points) => points.map((point) => point.join(",")).join(" ");
const lines = () => text.value.split("\n").filter((line) => line.trim());
const inside = (number) => Math.min(100, Math.max(0, number));
const rounded = (number) => Math.round(number * 100) / 100;
const isFirst = ([x, y]) => Math.hypot(x - open[0][0], y - open[0][1]) <= near;

function say(sentence) {
  root.querySelector("[data-zones-now]").textContent = sentence;
  root.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail: sentence }));
}

function draw() {
  const [x, y] = cross;
  const shapes = lines().map((points) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    shape.setAttribute("class", "camera-zones__zone");
    shape.setAttribute("points", /^[\d.,\s]+$/.test(points) ? points : "");
    return shape;
  });
  root.querySelector("[data-zones-closed]").replaceChildren(...shapes);
  root.querySelector("[data-zones-open]").setAttribute("points", written([...open, ...(open.length ? [cross] : [])]));
  root.querySelector("[data-zones-cross]").setAttribute("d", `M0 ${y}H100M${x} 0V100`);
  root.querySelector("[data-zones-end]").disabled = open.length < 3;
  root.querySelector("[data-zones-back]").disabled = !open.length;
  root.querySelector("[data-zones-remove]").disabled = !lines().length;
}

function set(point) {
  cross = point;
  if (open.length > 2 && isFirst(point)) end();
  else {
    open.push(point);
    say(`Point ${open.length}: ${written([point])}`);
  }
  draw();
}

function end() {
  text.value = [...lines(), written(open)].join("\n");
  say(`Zone ${lines().length} is closed. Save the settings to keep it.`);
  open = [];
  draw();
}

function back() {
  if (!open.length) return;
  open.pop();
  say(open.length ? `Point ${open.length + 1} was taken back.` : "The zone was given up.");
  draw();
}

function remove() {
  text.value = lines().slice(0, -1).join("\n");
  say("The last zone was removed. Save the settings to keep that.");
  draw();
}

// What holds the focus must not become disabled under it.
const staying = (act) => () => {
  act();
  if (document.activeElement === document.body) picture.focus();
};

function press(event) {
  const move = MOVES[event.key];
  if (move) {
    const by = event.shiftKey ? smallStep : step;
    cross = cross.map((place, axis) => rounded(inside(place + by * move[axis])));
    root.querySelector("[data-zones-now]").textContent = `Crosshair at ${written([cross])}`;
    draw();
  } else if (event.key === "Enter" || event.key === " ") set([...cross]);
  else if (event.key === "Backspace") back();
  else return;
  event.preventDefault();
}

if (picture) {
  picture.tabIndex = 0;
  picture.setAttribute("role", "application");
  picture.setAttribute("aria-label", "Picture to draw zones on");
  picture.setAttribute("aria-describedby", "zones-help");
  picture.addEventListener("keydown", press);
  picture.addEventListener("click", ({ clientX, clientY }) => {
    const { left, top, width, height } = picture.getBoundingClientRect();
    set([(clientX - left) / width, (clientY - top) / height].map((share) => rounded(inside(100 * share))));
  });
  root.querySelector("[data-zones-end]").addEventListener("click", staying(end));
  root.querySelector("[data-zones-back]").addEventListener("click", staying(back));
  root.querySelector("[data-zones-remove]").addEventListener("click", staying(remove));
  text.addEventListener("input", draw);
  draw();
}
