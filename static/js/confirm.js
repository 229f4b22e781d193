/* Asks before a form[data-confirm="question"], or a button[data-confirm], does what cannot be undone. */

import { element, first, word } from "./words.js";

let number = 0;

/** Ask a question; resolves to true if the answer was yes. Focus starts on the harmless button. */
export function ask(question, yes = "") {
  return new Promise((resolve) => {
    number += 1;
    const title = element("h2", { textContent: question || word("confirm"), id: `confirm-${number}` });
    const no = element("button", { className: "btn", value: "no", textContent: word("cancel"), autofocus: true });
    const go = element("button", { className: "btn btn-danger", value: "yes", textContent: yes || word("yes") });
    const dialog = element("dialog", {}, title, element("form", { method: "dialog", className: "submit-row" }, go, no));
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function start(root) {
  for (const asked of root.querySelectorAll("[data-confirm]")) {
    if (!first(asked, "Confirm")) continue;
    const form = asked.localName === "form" ? asked : asked.form;
    let sure = false;
    form?.addEventListener("submit", async (event) => {
      if (sure || (asked !== form && event.submitter !== asked)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const { submitter } = event;
      if (!(await ask(asked.dataset.confirm, asked.dataset.confirmYes))) return;
      sure = true;
      form.requestSubmit(submitter);
      sure = false;
    }, { capture: true });
  }
}
