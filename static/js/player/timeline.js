// The clock of a clip: of its file, or of copies of its segments, which play one after another.

let known = null;

// One for all scripts of a page.
export const timelineOf = (root) => (known ??= new Timeline(root));

class Timeline {
  #root;
  #part = null; // of the page, that says which copies there are
  #segments = []; // { start, end, isReady }; none where the clip plays as a whole
  #video = null;
  #shown = null; // the place of the segment that the player has
  #wanted = null; // { seconds, plays }: where it goes on as soon as it can
  #runs = false; // whether it plays, though it may be between two segments
  #sameFrame; // seconds by which moments of one frame may differ
  #broken = new Set(); // places of segments that the player failed at
  #isRenewing = false; // whether the player asks for its file again, and hasn't gone on yet

  // Media events don't bubble, so these listen on the way down, and before those of other scripts.
  constructor(root) {
    this.#root = root;
    this.#sameFrame = Number(root.dataset.sameFrame);
    const listeners = {
      loadedmetadata: () => this.#arrive(),
      playing: () => { this.#isRenewing = false; },
      play: () => { this.#runs = true; },
      pause: () => this.#note(),
      ended: () => this.#goToNext(),
      error: ({ target }) => { if (target === this.player && !this.#renew()) this.#break(); },
    };
    for (const [news, listener] of Object.entries(listeners)) root.addEventListener(news, listener, true);
    root.addEventListener("htmx:load", () => this.#learn());
    root.addEventListener("htmx:configRequest", ({ detail }) => {
      if (detail.elt === this.#part) detail.formData.set("at", this.moment);
    });
    this.#learn();
  }

  get player() { return this.#root.querySelector("[data-player]"); }

  // Whether one can seek.
  get isReady() {
    return Boolean(this.player) && !this.player.hidden && (this.inSegments || this.player.readyState > 0);
  }

  // Whether an error is none yet.
  get isRenewing() { return this.#isRenewing; }

  get inSegments() { return this.#segments.length > 0; }

  // The second of the clip.
  get moment() { return this.player ? this.onClock(this.player.currentTime) : 0; }

  // A segment that ends is not the end of the clip.
  get isOver() { return this.player.ended && !this.#wanted && !this.#following; }

  get isPaused() { return this.#wanted ? !this.#wanted.plays : this.player.paused; }

  // Of a second of the file that the player has.
  onClock(seconds) {
    return this.#wanted?.seconds ?? seconds + (this.#segments[this.#shown]?.start ?? 0);
  }

  seek(seconds) {
    if (!this.inSegments) {
      this.player.currentTime = seconds;
      return;
    }
    if (!this.#wanted && Math.abs(seconds - this.moment) < this.#sameFrame) return; // some browsers stumble
    const { start, end } = this.#segments[this.#placeOf(seconds)];
    this.#goTo(Math.min(Math.max(seconds, start), end), this.#wanted?.plays ?? this.#runs);
  }

  async play() {
    if (this.#wanted) this.#wanted.plays = true;
    else await this.player.play();
  }

  pause() {
    if (this.#wanted) this.#wanted.plays = false;
    else this.player.pause();
  }

  get #following() { return this.#segments[this.#shown + 1]; }

  // A segment that ends, or gives way to another, is no reason to stop.
  #note() {
    const { paused, ended } = this.player;
    if (paused && !ended && !this.#wanted) this.#runs = false;
  }

  // In a break nothing was recorded: then it is the one after.
  #placeOf(seconds) {
    const found = this.#segments.findIndex(({ end }) => seconds < end);
    return found < 0 ? this.#segments.length - 1 : found;
  }

  // What there is changes while copies are made; the player may be a new one, too, and of another clip.
  #learn() {
    const part = this.#root.querySelector("[data-segments]");
    if (!part && this.player && this.player !== this.#video) this.#forget();
    if (!part || part === this.#part) return;
    this.#part = part;
    this.#segments = JSON.parse(part.dataset.segments).map(([start, end, isReady]) => ({ start, end, isReady }));
    if (this.player !== this.#video) {
      const whole = this.#root.querySelector("[data-whole]");
      const seconds = Number(part.dataset.from ?? this.#wanted?.seconds ?? whole.value);
      this.#video = this.player;
      this.#shown = this.#video.dataset.segment ? this.#video.dataset.segment - 1 : null; // it may be loaded
      this.#wanted = { seconds, plays: this.#runs && !part.dataset.from };
    }
    this.#goOn();
  }

  // Another clip, that plays as a whole.
  #forget() {
    [this.#part, this.#segments, this.#video, this.#shown, this.#wanted] = [null, [], this.player, null, null];
  }

  #goTo(seconds, plays) {
    this.#wanted = { seconds, plays };
    this.#goOn();
    this.player.dispatchEvent(new Event("seeking"));
    this.player.dispatchEvent(new Event("timeupdate"));
    if (this.#wanted && !this.#segments[this.#placeOf(seconds)].isReady) this.#part.dispatchEvent(new Event("look"));
  }

  #goOn() {
    const place = this.#wanted ? this.#placeOf(this.#wanted.seconds) : this.#shown;
    const isBroken = this.#broken.has(place);
    const waits = isBroken || !this.#segments[place].isReady;
    this.#tell(waits, isBroken);
    if (!this.#wanted) return;
    if (waits) this.player.pause();
    else if (place === this.#shown) this.#arrive();
    else this.#load(place);
  }

  #tell(waits, isBroken) {
    this.#part.toggleAttribute("data-waits", waits);
    this.#part.querySelector("[data-wait]").hidden = !waits || isBroken;
    this.#part.querySelector("[data-broken]").hidden = !isBroken;
  }

  // Their numbers are from 1, and take the place of the 0 at the end of the address.
  #load(place) {
    this.#shown = place;
    this.player.src = this.#part.dataset.address.replace(/0$/, place + 1);
  }

  #arrive() {
    if (!this.#wanted || this.#shown === null || this.player.readyState === 0) return;
    const { seconds, plays } = this.#wanted;
    if (this.#placeOf(seconds) !== this.#shown) return;
    this.#wanted = null;
    const moment = seconds - this.#segments[this.#shown].start;
    if (Math.abs(this.player.currentTime - moment) >= this.#sameFrame) this.player.currentTime = moment;
    if (plays && this.player.paused) this.player.play().catch(() => {}); // then Play is there to be pressed
  }

  #goToNext() {
    if (this.#following && !this.#wanted && this.player.ended) this.#goTo(this.#following.start, this.#runs);
  }

  // Where files are stored elsewhere, the address that ours led to ends; ours leads to another.
  #renew() {
    const { player } = this;
    const isNew = !this.#isRenewing && player.error?.code === MediaError.MEDIA_ERR_NETWORK;
    this.#isRenewing = isNew;
    if (!isNew) return false;
    // To load pauses it, and of a press on Play just before nothing may have been told yet.
    const [seconds, plays] = [player.currentTime, this.#runs || !player.paused];
    if (!this.#wanted) player.addEventListener("loadedmetadata", () => {
      player.currentTime = seconds;
      if (plays) player.play().catch(() => {}); // then Play is there to be pressed
    }, { once: true });
    player.load();
    return true;
  }

  #break() {
    if (!this.inSegments || this.#shown === null) return;
    this.#broken.add(this.#shown);
    this.#wanted = { seconds: this.#wanted?.seconds ?? this.#segments[this.#shown].start, plays: false };
    this.#shown = null;
    this.#goOn();
  }
}
