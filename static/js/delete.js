// Asks in a dialog, instead of on a page of its own, before a clip is deleted.

const dialog = document.querySelector('[data-module~="delete"]');
const form = dialog.querySelector("[data-delete-form]");
let opener = "";

// Sent by js/page.js, with the link that was followed.
dialog.addEventListener("opening", ({ detail: link }) => {
  const address = new URL(link.href);
  form.action = address.pathname;
  form.elements.next.value = address.searchParams.get("next") ?? "";
  dialog.querySelector("[data-delete-name]").textContent = link.dataset.showFor;
  opener = link.id;
});

// The row that asked may have been replaced meanwhile.
dialog.addEventListener("close", () => document.getElementById(opener)?.focus());

dialog.addEventListener("click", ({ target }) => {
  if (target === dialog || target.closest("[data-close]")) dialog.close();
});
