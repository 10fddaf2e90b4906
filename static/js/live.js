// Rows that are not finished ask together (components/live_rows.html); without any, nobody asks.

const asks = (element) => element.matches('[data-module~="live"]');

document.addEventListener("htmx:beforeRequest", (event) => {
  if (asks(event.detail.elt) && !document.querySelector("[name=live]")) event.preventDefault();
});

// An address has its limits; of more rows than fit, each gets its turn.
let turn = 0;

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!asks(detail.elt)) return;
  const atOnce = Number(detail.elt.dataset.atOnce);
  const marks = detail.formData.getAll("live");
  if (marks.length <= atOnce) return;
  detail.formData.delete("live");
  turn = (turn + atOnce) % marks.length;
  for (const mark of [...marks, ...marks].slice(turn, turn + atOnce)) detail.formData.append("live", mark);
});
