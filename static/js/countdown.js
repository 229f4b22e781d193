/* Counts down the seconds in data-countdown. Once they are over, what stood beside it to be undone cannot be any more. */

import { first } from "./words.js";

function ended(element) {
  const box = element.closest("section");
  element.textContent = element.dataset.countdownDone;
  for (const form of box?.querySelectorAll("form") ?? []) form.hidden = true;
  for (const link of box?.querySelectorAll("[data-countdown-after]") ?? []) link.hidden = false;
}

export function start(root) {
  for (const element of root.querySelectorAll("[data-countdown]")) {
    if (!first(element, "Countdown")) continue;
    // The seconds are those of the server when it made the page: the clock of this machine may be wrong.
    const end = performance.now() + Number(element.dataset.countdown) * 1000;
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      if (left > 0) element.textContent = element.dataset.countdownWords.replace("{}", String(left));
      else {
        clearInterval(timer);
        ended(element);
      }
    };
    const timer = setInterval(tick, 500);
    tick();
  }
}
