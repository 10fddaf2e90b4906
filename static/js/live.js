// Rows that are not finished ask together (components/live_rows.html); without any, nobody asks.

// An address has its limits; of more rows than fit, each gets its turn.
let turn = 0;

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData } = event.detail;
  if (!elt.matches('[data-module~="live"]')) return;
  let marks = [...document.querySelectorAll("[name=live]")].map(({ value }) => value);
  if (!marks.length) return void event.preventDefault();
  const atOnce = Number(elt.dataset.atOnce);
  if (marks.length > atOnce) {
    turn = (turn + atOnce) % marks.length;
    marks = [...marks, ...marks].slice(turn, turn + atOnce);
  }
  for (const mark of marks) formData.append("live", mark);
});
