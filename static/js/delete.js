// Asks in a dialog, instead of on a page of its own, before a clip is deleted.

const dialog = document.getElementById("delete");
let opener = "";
const form = dialog.querySelector("[data-delete-form]");

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-delete]");
  if (!link) return;
  event.preventDefault();
  const address = new URL(link.href);
  form.action = address.pathname;
  form.elements.next.value = address.searchParams.get("next") ?? "";
  dialog.querySelector("[data-delete-name]").textContent = link.dataset.delete;
  dialog.showModal();
  opener = link.id;
});

// The row that asked may have been replaced meanwhile.
dialog.addEventListener("close", () => document.getElementById(opener)?.focus());

dialog.addEventListener("click", ({ target }) => {
  if (target === dialog || target.closest("[data-close]")) dialog.close();
});
