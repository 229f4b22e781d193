/* [data-search-report]: says once whether anything was opened of what a search found, so that searches that lead nowhere can
   be mended. The words go without who searched. */

import { csrfToken, first } from "./words.js";

function watch(mark) {
  let told = "";
  const tell = (outcome) => {
    if (told) return;
    told = outcome;
    const body = new URLSearchParams({ q: mark.dataset.searchText, outcome, csrf_token: csrfToken() });
    navigator.sendBeacon(mark.dataset.searchReport, body);
  };
  for (const link of document.querySelectorAll("main .entries a")) link.addEventListener("click", () => tell("opened"));
  window.addEventListener("pagehide", () => tell("left"));
}

export function start(root) {
  for (const mark of root.querySelectorAll("[data-search-report]")) if (first(mark, "Search")) watch(mark);
}
