/* [data-search-live]: shows what is found so far while the words are typed; Enter opens the page of it as ever.
   [data-search-report]: says once whether anything was opened of what a search found, so that searches that lead nowhere can
   be mended. The words go without who searched. */

import { fetchFragment } from "./fragment.js";
import { wake } from "./wake.js";
import { first } from "./words.js";

function watch(mark) {
  let told = "";
  const tell = (outcome) => {
    if (told) return;
    told = outcome;
    const body = new URLSearchParams({ q: mark.dataset.searchText, outcome, mark: mark.dataset.searchMark });
    navigator.sendBeacon(mark.dataset.searchReport, body);
  };
  for (const link of document.querySelectorAll("main .entries a")) link.addEventListener("click", () => tell("opened"));
  // Whoever narrows the same search or turns its page goes on with it; that page tells how it ended.
  const goesOn = (words) => { if (words?.trim() === mark.dataset.searchText) told = "on"; };
  for (const link of document.querySelectorAll("#results a")) if (!link.closest(".entries")) link.addEventListener("click", () => goesOn(new URL(link.href).searchParams.get("q")));
  for (const form of document.querySelectorAll("main form")) form.addEventListener("submit", () => goesOn(form.elements.q?.value));
  window.addEventListener("pagehide", () => tell("left"));
}

const PAUSE_MS = 200;
const SHORTEST = 2;

function live(results) {
  const form = document.querySelector("main form.big-search");
  const box = form?.elements.q;
  if (!box) return;
  const status = document.querySelector("[data-search-status]");
  let timer = 0;
  let flight = null;
  let last = box.value.trim();

  const ask = async () => {
    const text = box.value.trim();
    if (text === last || (text.length && text.length < SHORTEST)) return;
    last = text;
    flight?.abort();
    flight = new AbortController();
    const address = new URL(form.action, window.location.href);
    address.search = new URLSearchParams(new FormData(form)).toString();
    results.setAttribute("aria-busy", "true");
    try {
      const found = await fetchFragment(address, { select: "#results", signal: flight.signal });
      results.replaceChildren(found);
      status.textContent = (results.querySelector("[data-search-count]") ?? results.querySelector(".empty, p"))?.textContent.trim() ?? "";
      window.history.replaceState(null, "", address);
      await wake(results);
      results.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name === "AbortError") return; // A newer one is on its way.
      last = ""; // Offline for a moment: the next key tries again.
      results.removeAttribute("aria-busy");
    }
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
}

export function start(root) {
  for (const results of root.querySelectorAll("[data-search-live]")) if (first(results, "SearchLive")) live(results);
  for (const mark of root.querySelectorAll("[data-search-report]")) if (first(mark, "Search")) watch(mark);
}
