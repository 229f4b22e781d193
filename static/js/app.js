/* The one script of every page. What a page can do stands in wake.js and the modules that it names. */

import { wake } from "./wake.js";

document.documentElement.classList.add("has-scripts");
document.querySelector("[data-error-summary]")?.focus();
await wake();
document.documentElement.classList.add("is-awake"); // Browser tests wait for this.
