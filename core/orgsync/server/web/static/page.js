// What htmx does not do: say that the server is gone, and follow a run's events.
"use strict";

const following = new Map();

function follow() {
  for (const [element, source] of following) {
    if (!element.isConnected || !element.dataset.events) {
      source.close();
      following.delete(element);
    }
  }
  for (const element of document.querySelectorAll("[data-events]")) {
    if (following.has(element)) continue;
    const source = new EventSource(element.dataset.events);
    following.set(element, source);
    let waiting = false;
    const refresh = () => {
      if (waiting) return;
      waiting = true; // a run may commit many times a second
      setTimeout(() => { waiting = false; htmx.trigger(element, "changed"); }, 500);
    };
    for (const name of ["started", "planned", "committed", "warned"]) source.addEventListener(name, refresh);
    source.addEventListener("ended", () => { source.close(); refresh(); });
  }
}

function stale(isStale) {
  const note = document.getElementById("stale");
  if (note && note.hidden === isStale) note.hidden = !isStale;
}

document.addEventListener("DOMContentLoaded", follow);
document.addEventListener("htmx:after:swap", follow);
document.addEventListener("htmx:after:request", (event) => stale(event.detail.ctx.response.status >= 500));
document.addEventListener("htmx:error", () => stale(true));
