// Sends each clip by itself, two at a time, and shows how far each has got.

const AT_ONCE = 2;
const SIGNED_OUT = "You have been signed out. Sign in again and repeat this upload.";
const root = document.querySelector('[data-module~="upload"]');

if (root) {
  const form = root.querySelector("form");
  const zone = root.querySelector("[data-drop-zone]");
  const input = form.elements.clips;
  const list = root.querySelector("[data-uploads]");
  const template = root.querySelector("[data-upload-row]");
  const refusedTemplate = root.querySelector("[data-refused-row]");
  const longName = root.querySelector("[data-long-name]");
  const maxBytes = Number(root.dataset.maxBytes);
  const longest = Number(root.dataset.nameLongest); // letters of a clip's name
  const ending = Number(root.dataset.nameEnding);
  const waiting = [];
  let sending = 0;

  form.dataset.enhanced = "";
  input.required = false; // it is emptied after each choice

  function add(files) {
    if (!form.reportValidity()) return; // no store is chosen yet
    for (const file of files) {
      const row = template.content.cloneNode(true).querySelector("[data-receipt]");
      name(row, file.name);
      list.append(row);
      if (file.size > maxBytes) {
        refuse(row, `It is larger than ${root.dataset.maxText}. Cut it or export it smaller, and try again.`);
      } else {
        const choices = new FormData(form); // as they are now
        choices.delete("clips");
        const upload = { file, row, choices };
        row.querySelector("[data-cancel]").addEventListener("click", () => cancel(upload));
        waiting.push(upload);
      }
    }
    sendNext();
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
    while (sending < AT_ONCE && waiting.length) send(waiting.shift());
  }

  function send(upload) {
    const { row } = upload;
    const progress = row.querySelector("progress");
    const state = row.querySelector("[data-state]");
    const body = upload.choices;
    body.set("clips", upload.file);

    const request = new XMLHttpRequest(); // fetch doesn't report the progress of an upload
    upload.request = request;
    sending += 1;
    state.textContent = "Sending";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      progress.value = loaded / total;
      state.textContent = loaded < total ? `Sending, ${Math.floor((100 * loaded) / total)} %` : "Checking the clip";
    });
    request.addEventListener("load", () => show(row, request));
    request.addEventListener("error", async () => refuse(row, await whatBroke()));
    request.addEventListener("abort", () => withdraw(row));
    request.addEventListener("loadend", () => {
      sending -= 1;
      sendNext();
    });
    request.open("POST", form.action);
    request.responseType = "document";
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    request.setRequestHeader("HX-Request", "true");
    request.send(body);
  }

  const isSignIn = (address) => new URL(address).pathname === root.dataset.signIn;

  // The server hangs up on a stranger's upload before it could say so.
  async function whatBroke() {
    const answer = await fetch(form.action).catch(() => null);
    return answer && isSignIn(answer.url) ? SIGNED_OUT : "The connection was lost. Try again.";
  }

  function show(row, request) {
    const receipt = request.response?.querySelector("[data-receipt]");
    if (receipt) {
      row.replaceWith(receipt);
      announce(receipt);
    } else if (isSignIn(request.responseURL)) {
      refuse(row, SIGNED_OUT);
    } else {
      const problem = request.response?.querySelector("[data-problem]")?.textContent;
      refuse(row, problem ?? `The server could not take it (error ${request.status}). Reload the page and try again.`);
    }
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
  function withdraw(row) {
    row.querySelector("[data-state]").textContent = "Cancelled";
    row.querySelector("progress").remove();
    row.querySelector("[data-cancel]").remove();
    announce(row, `${row.querySelector("[data-name]").textContent} was cancelled.`);
  }

  // With a sentence, or what the row says of itself (js/page.js).
  function announce(row, detail) {
    row.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail }));
  }

  function cancel(upload) {
    const place = waiting.indexOf(upload);
    if (place < 0) {
      upload.request.abort();
    } else {
      waiting.splice(place, 1);
      withdraw(upload.row);
    }
  }

  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
  // The zone shows where; a clip that misses it is as welcome.
  const holdsFiles = ({ dataTransfer }) => dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (holdsFiles(event)) zone.dataset.over = "";
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) delete zone.dataset.over; // out of the window
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    delete zone.dataset.over;
    add(event.dataTransfer.files);
  });
  addEventListener("beforeunload", (event) => {
    if (sending || waiting.length) event.preventDefault();
  });
}
