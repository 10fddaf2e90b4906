// Sends files one after the other, each piece by piece, and shows how far it has got.

import { filesOf } from "./tus/dropped.js";
import { Transfer } from "./tus/transfer.js";

const SIGNED_OUT = "You have been signed out. Sign in again in another window, and choose “Resume”.";
const root = document.querySelector('[data-module~="upload"]');

if (root) {
  const form = root.querySelector("form");
  const zone = root.querySelector("[data-drop-zone]");
  const input = form.elements.clips;
  const folder = root.querySelector("[data-folder]");
  const list = root.querySelector("[data-uploads]");
  const template = root.querySelector("[data-upload-row]");
  const refusedTemplate = root.querySelector("[data-refused-row]");
  const longName = root.querySelector("[data-long-name]");
  const maxBytes = Number(root.dataset.maxBytes);
  const longest = Number(root.dataset.nameLongest); // letters of a clip's name
  const ending = Number(root.dataset.nameEnding);
  const unitStep = Number(root.dataset.unitStep); // bytes of a KB, KB of an MB …
  const milliseconds = Number(root.dataset.milliseconds); // of a second
  const accepted = input.accept.split(",");
  const waiting = [];
  const open = new Set(); // not at their end
  let active = null;

  form.dataset.enhanced = "";
  input.required = false; // it is emptied after each choice

  // Of folders only what looks like a video: recorders put lists and indexes beside their clips.
  function add(found) {
    if (!form.reportValidity()) return; // no store is chosen yet
    const wanted = found.filter(({ file, inFolder }) => !inFolder || isVideo(file));
    for (const { file, path } of wanted) addOne(file, path);
    const left = found.length - wanted.length;
    if (left) announce(list, `${left} other files of the folder were left out.`);
    sendNext();
  }

  function isVideo({ name, type }) {
    return type.startsWith("video/") || accepted.some((each) => each.startsWith(".") && name.toLowerCase().endsWith(each));
  }

  function addOne(file, path) {
    const row = template.content.cloneNode(true).querySelector("[data-receipt]");
    name(row, file.name);
    list.append(row);
    if (file.size > maxBytes) {
      refuse(row, `It is larger than ${root.dataset.maxText}. Cut it or export it smaller, and try again.`);
    } else {
      const upload = { file, row, transfer: transferOf(file, path) };
      upload.transfer.addEventListener("state", ({ detail }) => show(upload, detail));
      upload.transfer.addEventListener("progress", () => showProgress(upload));
      row.querySelector("progress").setAttribute("aria-label", `${file.name}, sent`);
      row.querySelector("[data-pause]").addEventListener("click", () => pause(upload));
      row.querySelector("[data-resume]").addEventListener("click", () => resume(upload));
      row.querySelector("[data-cancel]").addEventListener("click", () => upload.transfer.cancel());
      open.add(upload);
      waiting.push(upload);
    }
  }

  function transferOf(file, path) {
    const { model, store, camera, recorded_at, pattern } = Object.fromEntries(new FormData(form)); // as they are now
    const fingerprint = `${file.name}|${file.size}|${file.lastModified}`;
    return new Transfer(file, {
      create: root.dataset.create,
      address: takeUnfinished(fingerprint),
      metadata: { filename: file.name, path, fingerprint, model, store, camera, recorded_at, pattern },
      token,
      isSignIn: (address) => new URL(address, location).pathname === root.dataset.signIn,
      signedOut: SIGNED_OUT,
      pieceBytes: Number(root.dataset.pieceBytes),
      pieceLeast: Number(root.dataset.pieceLeast),
      retrySeconds: Number(root.dataset.retrySeconds),
      checkSeconds: Number(root.dataset.checkSeconds),
      milliseconds,
    });
  }

  // A sign-in in another window makes a new one.
  function token() {
    return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;
  }

  // The address of an upload of the same file that was not finished, which now goes on.
  function takeUnfinished(fingerprint) {
    const rows = [...root.querySelectorAll("[data-unfinished]")];
    const row = rows.find(({ dataset }) => dataset.fingerprint === fingerprint);
    if (!row) return undefined;
    row.remove();
    return row.dataset.address;
  }

  // As components/clip_name.html does it.
  function name(row, called) {
    const place = row.querySelector("[data-name]");
    if (called.length <= longest) {
      place.textContent = called;
      return;
    }
    const whole = longName.content.firstElementChild.cloneNode(true);
    whole.title = called;
    [whole.firstChild.textContent, whole.lastChild.textContent] = [called.slice(0, -ending), called.slice(-ending)];
    place.replaceChildren(whole);
  }

  function sendNext() {
    if (active || !waiting.length) return;
    active = waiting.shift();
    active.transfer.start();
  }

  function pause(upload) {
    const place = waiting.indexOf(upload);
    if (place >= 0) waiting.splice(place, 1);
    upload.transfer.pause();
    upload.row.querySelector("[data-resume]").focus();
  }

  function resume(upload) {
    waiting.unshift(upload);
    state(upload, "Waiting to be sent");
    buttons(upload, "waiting");
    upload.row.querySelector("[data-pause]").focus();
    sendNext();
  }

  function show(upload, detail) {
    const { transfer, row, file } = upload;
    buttons(upload, transfer.state);
    if (transfer.state === "sending") showProgress(upload);
    if (transfer.state === "lost") {
      state(upload, `Connection lost. Trying again in ${detail.seconds} s`);
      announce(row, `${file.name}: the connection was lost. It goes on by itself.`);
    }
    if (transfer.state === "held") state(upload, `Waiting. ${detail.sentence}`);
    if (transfer.state === "checking") {
      row.querySelector("progress").value = 1;
      state(upload, detail.sentence ?? "Checking the clip");
    }
    if (transfer.state === "paused") {
      state(upload, `Paused${part(upload)}. ${detail.sentence}`.trim());
      announce(row, `${file.name} is paused. ${detail.sentence}`);
    }
    if (transfer.state === "done") {
      row.replaceWith(detail.receipt);
      announce(detail.receipt);
    }
    if (transfer.state === "refused") {
      refuse(row, detail.sentence || `The server could not take it (error ${detail.status}). Reload the page and try again.`);
    }
    if (transfer.state === "cancelled") withdraw(upload);
    if (["done", "refused", "cancelled"].includes(transfer.state)) end(upload);
    if (transfer.state === "paused") release(upload);
  }

  function end(upload) {
    open.delete(upload);
    const place = waiting.indexOf(upload);
    if (place >= 0) waiting.splice(place, 1);
    release(upload);
  }

  function release(upload) {
    if (active !== upload) return;
    active = null;
    sendNext();
  }

  function showProgress(upload) {
    const { transfer, file, row } = upload;
    row.querySelector("progress").value = transfer.sent / file.size;
    state(upload, `Sending${part(upload)}${timeLeft(transfer.secondsLeft)}`);
  }

  function part({ transfer, file }) {
    if (!transfer.sent) return "";
    return `, ${Math.floor((100 * transfer.sent) / file.size)} %, ${inWords(transfer.sent)} of ${inWords(file.size)}`;
  }

  function inWords(bytes) {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
    const power = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(unitStep)), units.length - 1);
    const digits = power < 2 ? 0 : 1;
    const style = { style: "unit", unit: units[power], minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat("en", style).format(bytes / unitStep ** power);
  }

  function timeLeft(seconds) {
    if (seconds === null) return "";
    const minutes = Math.ceil(seconds / 60);
    if (minutes <= 1) return ", less than a minute left";
    return minutes < 60 ? `, about ${minutes} min left` : `, about ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
  }

  function state({ row }, sentence) {
    row.querySelector("[data-state]").textContent = sentence;
  }

  function buttons({ row }, now) {
    row.querySelector("[data-pause]").hidden = now === "paused" || now === "checking";
    row.querySelector("[data-resume]").hidden = now !== "paused";
    row.querySelector("[data-cancel]").hidden = now === "checking";
  }

  function refuse(row, sentence) {
    const called = row.querySelector("[data-name]").textContent;
    const refused = refusedTemplate.content.cloneNode(true).querySelector("[data-receipt]");
    name(refused, called);
    refused.querySelector("[data-refusal]").textContent = sentence;
    row.replaceWith(refused);
    announce(refused, `${called} was refused. ${sentence}`);
  }

  // What somebody wanted is no error.
  function withdraw(upload) {
    const { row, file } = upload;
    state(upload, "Cancelled");
    row.querySelector("progress").remove();
    row.querySelector("[data-buttons]").remove();
    announce(row, `${file.name} was cancelled.`);
  }

  // With a sentence, or what the row says of itself (js/page.js).
  function announce(row, detail) {
    row.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail }));
  }

  for (const row of root.querySelectorAll("[data-unfinished]")) {
    row.querySelector("[data-discard]").addEventListener("click", () => {
      const nothing = new Transfer(new File([], ""), { address: row.dataset.address, token, isSignIn: () => false });
      nothing.cancel();
      announce(root, "The unfinished upload was discarded.");
      row.remove();
    });
  }

  const chosen = (files) => [...files].map((file) => ({
    file,
    path: file.webkitRelativePath || file.name,
    inFolder: Boolean(file.webkitRelativePath),
  }));
  for (const field of [input, folder]) {
    field.addEventListener("change", () => {
      add(chosen(field.files));
      field.value = "";
    });
  }
  root.querySelector("[data-choose-folder]").addEventListener("click", () => folder.click());

  // The zone shows where; a clip that misses it is as welcome.
  const holdsFiles = ({ dataTransfer }) => dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (holdsFiles(event)) zone.dataset.over = "";
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) delete zone.dataset.over; // out of the window
  });
  document.addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    delete zone.dataset.over;
    add(await filesOf(event.dataTransfer));
  });
  addEventListener("beforeunload", (event) => {
    if (open.size) event.preventDefault();
  });
}
