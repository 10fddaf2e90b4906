// Counts what became of the files of a batch, and puts hints on top.

const root = document.querySelector('[data-module~="batch"]');
const shown = root?.querySelector("[data-batch]");

if (shown) {
  const line = shown.querySelector("[data-batch-line]");
  let awaited = false;
  let unfinished = 0;

  function count() {
    awaited = false;
    const found = {};
    for (const row of root.querySelectorAll("[data-outcome]")) {
      const { outcome } = row.dataset;
      const isWithdrawn = outcome === "sending" && !row.querySelector("progress");
      if (!isWithdrawn) found[outcome] = (found[outcome] ?? 0) + 1;
      if (outcome === "hint") raise(row);
    }
    show(found);
  }

  function show(found) {
    const of = (...outcomes) => outcomes.reduce((sum, each) => sum + (found[each] ?? 0), 0);
    const numbers = {
      sent: of("running", "done", "hint", "uncertain", "failed", "cancelled"),
      done: of("done", "hint", "uncertain"),
      hint: of("hint"),
      uncertain: of("uncertain"),
      failed: of("failed"),
      refused: of("refused"),
      sending: of("sending"),
    };
    for (const part of line.querySelectorAll("[data-batch-count]")) {
      const number = numbers[part.dataset.batchCount];
      part.hidden = !number;
      part.firstElementChild.textContent = number;
    }
    shown.hidden = !Object.values(numbers).some(Boolean);
    shown.querySelector("[data-batch-retry]").hidden = !numbers.failed;
    const left = of("running", "sending");
    if (unfinished && !left) tell();
    unfinished = left;
  }

  // Below the hints that stand there already; who is in a row, keeps it where it is.
  function raise(row) {
    const before = row.previousElementSibling;
    if (!before || before.dataset.outcome === "hint" || row.contains(document.activeElement)) return;
    const first = [...row.parentElement.children].find(({ dataset }) => dataset.outcome !== "hint");
    first.before(row);
  }

  function tell() {
    const words = [...line.children].filter(({ hidden }) => !hidden).map(({ textContent }) => textContent);
    line.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail: `All are through: ${words.join(", ")}.` }));
  }

  new MutationObserver((changes) => {
    if (awaited || changes.every(({ target }) => shown.contains(target))) return;
    awaited = true;
    requestAnimationFrame(count);
  }).observe(root, { childList: true, subtree: true });
  count();
}
