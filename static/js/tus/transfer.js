// Sends one file piece by piece by the tus protocol (1.0.0), and goes on where it stopped.

const VERSION = "1.0.0";
const SAME_PLACE = new Set([404, 410]); // of an upload that is no longer there
const WAIT = new Set([429, 503]);
const AGAIN = new Set([409, 460]); // ask where the upload is, and send that piece once more
const NO_ROOM = 507;
const FORBIDDEN = 403;
const SERVER_ERROR = 500;

export const UNREADABLE = "The file can no longer be read. Choose it again.";
export const STALE = "This page is too old to go on. Reload the page and choose the file again: it goes on where it stopped.";

// What stands in the way: an answer of the server, or status 0 for none.
class Problem extends Error {
  constructor({ status, sentence = "", seconds = 0, signedOut = false }) {
    super(sentence || `status ${status}`);
    Object.assign(this, { status, sentence, seconds, signedOut });
  }
}

class StoppedError extends Error {}

// States: waiting, sending, lost (tries again by itself), held (the server has no room yet), checking,
// paused, and the ends: done (detail.receipt), refused (detail.sentence), cancelled.
export class Transfer extends EventTarget {
  #file; #options; #address; #offset = null; #sent = 0;
  #request = null; #run = 0; #wake = () => {};
  #pieceBytes; #failures = 0; #begun = 0; #begunAt = 0; #anew = false;

  // options: create (address of the server), address (of an upload that is there already), metadata,
  // token() for each request, isSignIn(address), pieceBytes, pieceLeast, retrySeconds, checkSeconds
  constructor(file, options) {
    super();
    this.#file = file;
    this.#options = options;
    this.#address = options.address;
    this.#pieceBytes = options.pieceBytes;
    this.state = "waiting";
    addEventListener("online", () => this.#wake());
  }

  get sent() {
    return this.#sent;
  }

  // Seconds, or null as long as nobody can know.
  get secondsLeft() {
    const seconds = (performance.now() - this.#begunAt) / this.#options.milliseconds;
    const came = this.#sent - this.#begun;
    return came > 0 && seconds > 1 ? (this.#file.size - this.#sent) * seconds / came : null;
  }

  start() {
    this.#run += 1;
    this.#failures = 0;
    this.#offset = null;
    this.#go(this.#run);
  }

  pause(sentence = "") {
    this.#stop();
    this.#enter("paused", { sentence });
  }

  cancel() {
    this.#stop();
    if (this.#address) this.#ask("DELETE", this.#address).catch(() => {}); // or it expires
    this.#enter("cancelled");
  }

  #stop() {
    this.#run += 1;
    this.#request?.abort();
    this.#wake();
  }

  #enter(state, detail = {}) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail }));
  }

  async #go(run) {
    const check = () => {
      if (run !== this.#run) throw new StoppedError();
    };
    while (run === this.#run) {
      try {
        if (this.state !== "checking") this.#enter("sending");
        await this.#begin();
        check();
        if (this.#offset < this.#file.size) await this.#sendPiece(check);
        else if (await this.#outcome()) return;
        check();
        this.#failures = 0;
      } catch (problem) {
        if (run !== this.#run) return;
        if (!(problem instanceof Problem)) throw problem;
        if (await this.#handle(problem)) return;
      }
    }
  }

  // Where the upload is; a new one if there is none.
  async #begin() {
    if (this.#offset !== null) return;
    if (this.#address) {
      const answer = await this.#ask("HEAD", this.#address);
      this.#offset = Number(answer.getResponseHeader("Upload-Offset"));
    } else {
      const answer = await this.#ask("POST", this.#options.create, {
        "Upload-Length": this.#file.size,
        "Upload-Metadata": packed(this.#options.metadata),
      });
      this.#address = answer.getResponseHeader("Location");
      this.#offset = 0;
    }
    this.#sent = this.#begun = this.#offset;
    this.#begunAt = performance.now();
  }

  async #sendPiece(check) {
    const from = this.#offset;
    const piece = await this.#read(from, from + this.#pieceBytes);
    const headers = { "Upload-Offset": from, "Content-Type": "application/offset+octet-stream" };
    if (globalThis.crypto?.subtle) { // over HTTPS, and on one's own machine
      headers["Upload-Checksum"] = `sha256 ${base64(await crypto.subtle.digest("SHA-256", piece))}`;
    }
    check();
    const answer = await this.#ask("PATCH", this.#address, headers, piece, (loaded) => {
      this.#sent = from + loaded;
      if (this.#sent >= this.#file.size) this.#enter("checking");
      else this.dispatchEvent(new Event("progress"));
    });
    this.#offset = this.#sent = Number(answer.getResponseHeader("Upload-Offset"));
    this.#pieceBytes = Math.min(2 * this.#pieceBytes, this.#options.pieceBytes);
  }

  async #read(from, to) {
    try {
      return await this.#file.slice(from, to).arrayBuffer();
    } catch { // it was moved or changed
      throw new Problem({ status: 0, sentence: UNREADABLE });
    }
  }

  // What became of it; false as long as that isn't decided.
  async #outcome() {
    const answer = await this.#ask("GET", this.#address, { "HX-Request": "true" });
    const page = new DOMParser().parseFromString(answer.responseText, "text/html");
    const receipt = page.querySelector("[data-receipt]");
    if (receipt?.matches("[data-undecided]")) {
      this.#enter("checking", { sentence: receipt.querySelector("[data-undecided-state]").textContent });
      await this.#pauseFor(this.#options.checkSeconds);
      return false;
    }
    this.#run += 1;
    this.#enter("done", { receipt: document.adoptNode(receipt) });
    return true;
  }

  // Whether that was the end, or somebody has to do something.
  async #handle(problem) {
    const { status, sentence } = problem;
    this.#offset = null;
    if (problem.signedOut || status === NO_ROOM || (status === FORBIDDEN && !sentence)) {
      this.pause(problem.signedOut ? this.#options.signedOut : sentence || STALE);
      return true;
    }
    if (SAME_PLACE.has(status) && this.#address && !this.#anew) {
      this.#anew = true; // it expired, or was discarded in another window
      this.#address = undefined;
      return false;
    }
    if (WAIT.has(status)) {
      this.#enter("held", { sentence });
      await this.#pauseFor(problem.seconds || this.#options.retrySeconds);
      return false;
    }
    if (AGAIN.has(status) && !this.#failures) {
      this.#failures = 1;
      return false;
    }
    if (sentence === UNREADABLE || (status && status < SERVER_ERROR && !AGAIN.has(status))) {
      this.#run += 1;
      this.#enter("refused", { sentence, status });
      return true;
    }
    await this.#backOff();
    return false;
  }

  // Twice as long each time, and smaller pieces, of which less is lost.
  async #backOff() {
    const seconds = Math.min(2 ** this.#failures, this.#options.retrySeconds);
    this.#failures += 1;
    this.#pieceBytes = Math.max(this.#pieceBytes / 2, this.#options.pieceLeast);
    this.#enter("lost", { seconds });
    await this.#pauseFor(seconds);
  }

  #pauseFor(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * this.#options.milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #ask(method, address, headers = {}, body = null, onProgress = null) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch doesn't report the progress of an upload
      this.#request = request;
      request.open(method, address);
      const all = { "Tus-Resumable": VERSION, "X-CSRFToken": this.#options.token(), ...headers };
      for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
      if (onProgress) request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
      request.addEventListener("load", () => {
        const problem = problemOf(request, this.#options.isSignIn);
        if (problem) reject(problem);
        else resolve(request);
      });
      request.addEventListener("error", () => reject(new Problem({ status: 0 })));
      request.addEventListener("abort", () => reject(new StoppedError()));
      request.send(body);
    });
  }
}

function problemOf(request, isSignIn) {
  const { status } = request;
  if (isSignIn(request.responseURL)) return new Problem({ status, signedOut: true });
  if (request.status >= 200 && request.status < 300) return null;
  const isSentence = request.getResponseHeader("Content-Type")?.startsWith("text/plain");
  return new Problem({
    status,
    sentence: isSentence ? request.responseText : "",
    seconds: Number(request.getResponseHeader("Retry-After")),
  });
}

function packed(metadata) {
  return Object.entries(metadata)
    .filter(([, value]) => value)
    .map(([key, value]) => `${key} ${base64(new TextEncoder().encode(value).buffer)}`)
    .join(",");
}

function base64(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer)));
}
