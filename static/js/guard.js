/* Asks before a page is left while form[data-guard] holds something typed that is neither sent nor kept as a draft. */

import { first } from "./words.js";

export function start(root) {
  for (const form of root.querySelectorAll("form[data-guard]")) {
    if (!first(form, "Guard")) continue;
    let touched = false;
    form.addEventListener("input", () => { touched = true; });
    form.addEventListener("submit", () => { touched = false; });
    form.addEventListener("reset", () => { touched = false; });
    window.addEventListener("beforeunload", (event) => {
      if (touched && !form.dataset.draftSafe && !form.dataset.leaving) event.preventDefault();
    });
  }
}
