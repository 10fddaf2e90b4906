// A fingerprint or a key is copied; where the browser doesn't let a page do that, it is selected.

document.addEventListener("click", async ({ target }) => {
  const button = target.closest('[data-module~="hash"] [data-copy]');
  if (!button) return;
  getSelection().selectAllChildren(button.previousElementSibling);
  await navigator.clipboard?.writeText(button.dataset.copy); // only over HTTPS or on this machine
  const detail = navigator.clipboard ? "Copied" : "Selected";
  button.dispatchEvent(new CustomEvent("announce", { bubbles: true, detail }));
});
