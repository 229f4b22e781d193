/* A change of language keeps the place: links with data-same-place lead to the section that is being read.

The translation may have the anchor of the source; if not, the headings of both are in the same order. */

import { first } from "./words.js";

const ORDER = "~";

function headings() {
  return [...document.querySelectorAll(".prose :is(h2, h3, h4)[id]")];
}

function current() {
  const all = headings();
  const seen = all.filter((heading) => heading.getBoundingClientRect().top < window.innerHeight / 3);
  const heading = seen.at(-1);
  return heading ? `${heading.id}${ORDER}${all.indexOf(heading)}` : "";
}

function asked() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    // Not every address that somebody sends is one.
    return "";
  }
}

function arrive() {
  const [id, place] = asked().split(ORDER);
  if (place === undefined) return;
  const target = document.getElementById(id) ?? headings()[Number(place)];
  // The address is one that works without this module too.
  history.replaceState(null, "", target ? `#${target.id}` : location.pathname + location.search);
  target?.scrollIntoView();
}

export function start(root) {
  for (const link of root.querySelectorAll("[data-same-place]")) {
    if (!first(link, "Place")) continue;
    const lead = () => {
      link.hash = current();
    };
    for (const name of ["pointerdown", "focus", "click", "mouseenter"]) link.addEventListener(name, lead);
  }
  arrive();
}
