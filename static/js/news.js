// New hints on every page: asked for now and then, and told once, by a tone or a notification, in a
// browser where somebody has allowed that.

const bar = document.querySelector('[data-module~="news"][data-volume-usual]');
const kept = { sound: "news-sound", volume: "news-volume", notify: "news-notify", told: "news-told" };
const said = "news-said"; // of this tab

const isOn = (what) => localStorage.getItem(kept[what]) === "on";
const permission = () => window.Notification?.permission ?? "missing";
const notifies = () => isOn("notify") && permission() === "granted";
const volume = () => Number(localStorage.getItem(kept.volume) ?? bar.dataset.volumeUsual);

function show() {
  for (const root of document.querySelectorAll('[data-module~="news"]')) {
    for (const [hook, on] of [["[data-sound]", isOn("sound")], ["[data-notify]", notifies()]]) {
      for (const button of root.querySelectorAll(hook)) {
        button.querySelector("[data-if-on]").hidden = !on;
        button.querySelector("[data-if-off]").hidden = on;
      }
    }
    for (const slider of root.querySelectorAll("[data-volume]")) slider.value = volume();
    for (const note of root.querySelectorAll("[data-permission]")) {
      note.hidden = note.dataset.permission !== permission();
    }
  }
}

function turn(what, on) {
  localStorage.setItem(kept[what], on ? "on" : "off");
  show();
}

// What else stands at the lower edge of the window stands above it: --news-height in tokens.css.
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--news-height", `${bar.offsetHeight}px`);
}).observe(bar);

let context;

// Browsers keep a page quiet until somebody has clicked or typed in it: what is late is left out.
async function play() {
  const asked = Date.now();
  context ??= new AudioContext();
  await context.resume();
  if (Date.now() - asked > Number(bar.dataset.toneLatest)) return;
  const hertz = Number(bar.dataset.toneHertz);
  const seconds = Number(bar.dataset.toneSeconds);
  for (const [number, note] of [hertz, hertz * 3 / 2].entries()) {
    const start = context.currentTime + number * seconds;
    const loudness = new GainNode(context, { gain: volume() / 100 });
    const tone = new OscillatorNode(context, { frequency: note });
    loudness.gain.setValueAtTime(volume() / 100, start);
    loudness.gain.linearRampToValueAtTime(0, start + seconds);
    tone.connect(loudness).connect(context.destination);
    tone.start(start);
    tone.stop(start + seconds);
  }
}

function notify({ sentence, leadsTo }) {
  const note = new Notification("Shoplift", { body: sentence, tag: leadsTo });
  note.addEventListener("click", () => {
    focus();
    location.assign(leadsTo);
    note.close();
  });
}

// Of several tabs the first one tells a hint.
function claim(knownAt) {
  const isNew = knownAt > Number(localStorage.getItem(kept.told));
  if (isNew) localStorage.setItem(kept.told, knownAt);
  return isNew;
}

const isFirst = (knownAt) =>
  navigator.locks ? navigator.locks.request(kept.told, () => claim(knownAt)) : claim(knownAt);

async function tell(news) {
  const knownAt = Number(news.dataset.knownAt);
  // Read out once a tab, and not on each page again.
  if (knownAt > Number(sessionStorage.getItem(said))) {
    sessionStorage.setItem(said, knownAt);
    bar.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail: news.dataset.sentence }));
  }
  if (!(await isFirst(knownAt))) return;
  if (isOn("sound")) play();
  if (notifies() && !document.hasFocus()) notify(news.dataset);
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== bar) return;
  show();
  const news = bar.querySelector("[data-known-at]");
  if (news) tell(news);
  else if (detail.requestConfig.verb === "post") bar.focus(); // the button that had it is gone
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-sound], [data-try-tone], [data-notify]");
  if (!button) return;
  if (button.matches("[data-try-tone]")) play();
  else if (button.matches("[data-sound]")) {
    turn("sound", !isOn("sound"));
    if (isOn("sound")) play(); // so that one knows it, and the browser knows that it may
  } else if (notifies()) turn("notify", false);
  else {
    if (permission() === "default") await Notification.requestPermission();
    turn("notify", permission() === "granted");
  }
});

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-volume]")) return;
  localStorage.setItem(kept.volume, target.value);
  play();
});

addEventListener("storage", show); // changed in another tab

// While nobody sees the page, it asks only where somebody wants to hear of hints.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt !== bar || !document.hidden) return;
  if (!isOn("sound") && !notifies()) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) bar.dispatchEvent(new Event("look"));
});

// Who was signed out meanwhile keeps what they have typed: the page is not loaded again for this.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { elt, xhr, pathInfo } = event.detail;
  if (!bar.contains(elt)) return;
  if (new URL(xhr.responseURL).pathname === new URL(pathInfo.requestPath, location).pathname) return;
  event.preventDefault();
  bar.remove();
});

show();
