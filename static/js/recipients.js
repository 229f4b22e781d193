/* Who receives a reply: keeps the line above the text true while To and Cc are edited. Two text fields (data-to, data-cc) get
   a button for each address that takes it out; check boxes (data-recipient="Name <address>", named to and cc) never hold one
   person in both. Without scripts the fields and boxes work as they are. */

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

function watchBoxes(box) {
  const boxes = [...box.querySelectorAll("input[data-recipient]")];
  const added = box.querySelector("[data-recipients-add]");
  const chosen = (kind) => boxes.filter((one) => one.name === kind && one.checked).map((one) => one.dataset.recipient);
  const draw = () => {
    const cc = [...chosen("cc"), ...split(added?.value ?? "")];
    box.querySelector("[data-recipients-line]").textContent = chosen("to").join(", ") || word("toNobody");
    box.querySelector("[data-recipients-cc]").textContent = cc.join(", ");
    box.querySelector("[data-recipients-cc-part]").hidden = !cc.length;
  };
  box.addEventListener("change", (event) => {
    const { target } = event;
    if (!target.checked || !boxes.includes(target)) return;
    for (const other of boxes) if (other !== target && other.value === target.value) other.checked = false;
  });
  for (const name of ["input", "change"]) box.addEventListener(name, draw);
  draw();
}

export function start(root) {
  for (const box of root.querySelectorAll("[data-recipients]")) {
    if (!first(box, "Recipients")) continue;
    if (box.querySelector("[data-recipient]")) watchBoxes(box);
    else watch(box);
  }
}
