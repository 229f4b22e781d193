/* A select or check box that sends its form as soon as it changes; its button stays for whoever has no scripts. */

import { first } from "./words.js";

export function start(root) {
  for (const field of root.querySelectorAll("[data-autosubmit]")) {
    if (!first(field, "Autosubmit")) continue;
    field.addEventListener("change", () => field.form?.requestSubmit());
  }
}
