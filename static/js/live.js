/* Asks the server now and then, politely: never while the page is hidden, ever more seldom when it fails, no more once it
   is refused. [data-live-url] answers {"counts": {key: number}, "version": text}: counts go to [data-count=key] anywhere; a
   version other than data-live-version shows [data-live-notice], so that nothing moves under the reader's eyes. */

import { first } from "./words.js";

const LONGEST_S = 600;

function watch(source) {
  const base = Number(source.dataset.liveSeconds) || 30;
  let wait = base;
  let timer = 0;
  const plan = () => {
    clearTimeout(timer);
    timer = setTimeout(look, wait * 1000 * (0.9 + Math.random() / 5));
  };
  const look = async () => {
    if (document.visibilityState === "hidden") return;
    try {
      const answer = await fetch(source.dataset.liveUrl, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if ([401, 403, 404, 410].includes(answer.status) || answer.redirected) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const { counts = {}, version = "" } = await answer.json();
      for (const [key, count] of Object.entries(counts)) {
        for (const place of document.querySelectorAll(`[data-count="${CSS.escape(key)}"]`)) place.textContent = String(count);
      }
      const known = source.dataset.liveVersion;
      if (known && version && version !== known) for (const notice of document.querySelectorAll("[data-live-notice]")) notice.hidden = false;
      wait = base;
    } catch {
      wait = Math.min(LONGEST_S, wait * 2);
    }
    plan();
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
    else clearTimeout(timer);
  });
  plan();
}

export function start(root) {
  for (const source of root.querySelectorAll("[data-live-url]")) if (first(source, "Live")) watch(source);
}
