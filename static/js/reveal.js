/* details[data-fragment-url]: fetches what is inside when it is opened for the first time, or at once if it stands open. Inside
   stands a plain link to the page for whoever has no scripts, and stays when fetching fails. */

import { fetchFragment } from "./fragment.js";
import { wake } from "./wake.js";
import { first } from "./words.js";

export function start(root) {
  for (const fold of root.querySelectorAll("details[data-fragment-url]")) {
    if (!first(fold, "Reveal")) continue;
    const inside = fold.querySelector("[data-fragment]");
    const load = async () => {
      if (!fold.open || fold.dataset.loaded) return;
      fold.dataset.loaded = "yes";
      fold.setAttribute("aria-busy", "true");
      try {
        inside.replaceChildren(await fetchFragment(fold.dataset.fragmentUrl));
        await wake(inside);
      } catch {
        delete fold.dataset.loaded; // The link stays; the next opening tries again.
      }
      fold.removeAttribute("aria-busy");
    };
    fold.addEventListener("toggle", load);
    load();
  }
}
