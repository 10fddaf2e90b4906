// Sends each clip by itself, two at a time, and shows how far each has got.

const AT_ONCE = 2;
const [LONG, END] = [32, 20]; // letters of a clip's name
const SIGNED_OUT = "You have been signed out. Sign in again and repeat this upload.";
const form = document.querySelector("[data-upload]");

if (form) {
  const zone = form.querySelector("[data-drop-zone]");
  const input = form.elements.clips;
  const list = document.querySelector("[data-uploads]");
  const template = document.querySelector("[data-upload-row]");
  const refusedTemplate = document.querySelector("[data-refused-row]");
  const longName = document.querySelector("[data-long-name]");
  const maxBytes = Number(form.dataset.maxBytes);
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
        refuse(row, `It is larger than ${form.dataset.maxText}. Cut it or export it smaller, and try again.`);
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
    if (called.length <= LONG) {
      place.textContent = called;
      return;
    }
    const whole = longName.content.firstElementChild.cloneNode(true);
    whole.title = called;
    [whole.firstChild.textContent, whole.lastChild.textContent] = [called.slice(0, -END), called.slice(-END)];
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

    const request = new XMLHttpRequest(); // fetch tells nothing of an upload's progress
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

  const isSignIn = (address) => new URL(address).pathname === document.body.dataset.loginUrl;

  // The server hangs up on a stranger's upload before it could say so.
  async function whatBroke() {
    const answer = await fetch(form.action).catch(() => null);
    return answer && isSignIn(answer.url) ? SIGNED_OUT : "The connection was lost. Try again.";
  }

  function show(row, request) {
    const receipt = request.response?.querySelector("[data-receipt]");
    if (receipt) {
      row.replaceWith(receipt);
      say(receipt.querySelector("[data-announce]")?.dataset.announce ?? "");
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
    const state = refused.querySelector("[data-announce]");
    name(refused, called);
    refused.querySelector("[data-refusal]").textContent = sentence;
    state.dataset.announce = `${called} was refused. ${sentence}`;
    row.replaceWith(refused);
    say(state.dataset.announce);
  }

  // What somebody wanted is no error.
  function withdraw(row) {
    row.querySelector("[data-state]").textContent = "Cancelled";
    row.querySelector("progress").remove();
    row.querySelector("[data-cancel]").remove();
    say(`${row.querySelector("[data-name]").textContent} was cancelled.`);
  }

  function say(news) {
    document.querySelector("[data-announcer]").textContent = news;
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
