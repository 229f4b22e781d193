/* Who receives a reply: keeps the line above the text true while To and Cc are edited, and offers each address with a
   button that takes it out. Without scripts the two fields are edited as text. */

import { element, first, word } from "./words.js";

const split = (text) => text.split(/[,;\n]+/).map((one) => one.trim()).filter(Boolean);

function watch(box) {
  const to = box.querySelector("[data-to]");
  const cc = box.querySelector("[data-cc]");
  const line = box.querySelector("[data-recipients-line]");
  if (!to || !line) return;
  const lists = [to, cc].filter(Boolean).map((field) => {
    const list = element("ul", { className: "chips" });
    field.after(list);
    return [field, list];
  });
  const draw = () => {
    const others = cc ? split(cc.value).length : 0;
    line.textContent = [split(to.value).join(", ") || word("toNobody"), others ? word("toOthers", { count: others }) : ""].filter(Boolean).join(" ");
    for (const [field, list] of lists) {
      list.replaceChildren(...split(field.value).map((address) => {
        const button = element("button", { type: "button", className: "chip", textContent: `${address} ×` });
        button.setAttribute("aria-label", `${word("remove")} ${address}`);
        button.addEventListener("click", () => {
          field.value = split(field.value).filter((other) => other !== address).join(", ");
          field.dispatchEvent(new Event("input", { bubbles: true }));
          field.focus();
        });
        return element("li", {}, button);
      }));
    }
  };
  box.addEventListener("input", draw);
  draw();
}

export function start(root) {
  for (const box of root.querySelectorAll("[data-recipients]")) if (first(box, "Recipients")) watch(box);
}
