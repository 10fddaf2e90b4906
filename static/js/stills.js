// Renews the stills of live cameras that are in sight, without a flicker, and lets what asks for
// itself rest while nobody sees the page.

const pause = Number(document.querySelector('[data-module~="stills"]').dataset.stillMilliseconds);

document.addEventListener("htmx:configRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[data-rests-unseen]")) event.preventDefault();
});

function isInSight(image) {
  const { top, bottom } = image.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

async function renew(image) {
  const next = image.cloneNode();
  const address = new URL(image.src);
  address.searchParams.set("at", Date.now());
  next.src = address;
  await next.decode();
  // Meanwhile it may have been replaced, paused or made to move.
  if (image.isConnected && image.matches("[data-still]")) image.replaceWith(next);
}

async function renewAll() {
  const stills = document.querySelectorAll('[data-module~="stills"] :not([data-old]) > [data-still]');
  if (!document.hidden) await Promise.allSettled([...stills].filter(isInSight).map(renew));
  setTimeout(renewAll, pause);
}

setTimeout(renewAll, pause);
