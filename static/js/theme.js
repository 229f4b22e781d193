/* Light, dark or as the system: at once, and remembered in the cookie that the server reads for the next page. */

import { first } from "./words.js";

const YEAR = 31536000;

export function start(root) {
  for (const group of root.querySelectorAll("[data-theme-switch]")) {
    if (!first(group, "Theme")) continue;
    group.addEventListener("click", (event) => {
      const link = event.target.closest("[data-theme-name]");
      if (!link) return;
      event.preventDefault();
      const { themeName } = link.dataset;
      const secure = window.location.protocol === "https:" ? "; Secure" : "";
      document.cookie = `theme=${themeName}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
      document.documentElement.dataset.bsTheme = themeName;
      for (const other of document.querySelectorAll("[data-theme-name]")) {
        if (other.dataset.themeName === themeName) other.setAttribute("aria-current", "true");
        else other.removeAttribute("aria-current");
      }
    });
  }
}
