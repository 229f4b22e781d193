/* Finding what to link to, in a dialog: words above, below what holds them; Enter or a click puts the link into the text.
   Arrow keys go through the list, Escape closes, and the cursor is where it was. */

import { fetchFragment } from "./fragment.js";
import { element, word } from "./words.js";

const PAUSE_MS = 200;

/** Let somebody choose what to link to, and put it at the cursor of a textarea.
    @param {string} url answers with a list [data-markdown] for the query q
    @param {HTMLTextAreaElement} area
    @param {function} insert puts text into a textarea */
export function open(url, area, insert) {
  const begin = area.selectionStart;
  const chosen = area.value.slice(begin, area.selectionEnd);
  const title = element("h2", { id: "picker-title", textContent: word("pickerTitle") });
  const box = element("input", { type: "search", className: "form-control", autocomplete: "off", value: chosen.length < 100 ? chosen.trim() : "" });
  box.setAttribute("aria-label", word("pickerSearch"));
  box.placeholder = word("pickerSearch");
  const state = element("p", { className: "visually-hidden" });
  state.setAttribute("role", "status");
  const list = element("ul");
  const other = element("button", { type: "button", className: "btn btn-link", textContent: word("pickerAddress") });
  const close = element("button", { type: "button", className: "btn", textContent: word("cancel") });
  const dialog = element("dialog", { className: "picker" }, title, box, state, list, element("div", { className: "submit-row" }, close, other));
  dialog.setAttribute("aria-labelledby", title.id);
  let timer = 0;
  let running = null;
  let picked = null;

  const pick = (markdown, select = "") => {
    picked = { markdown, select };
    dialog.close();
  };
  const shown = (item) => {
    const { markdown } = item.dataset;
    const label = item.querySelector("a")?.textContent ?? markdown;
    const button = element("button", { type: "button" }, label, element("small", { textContent: item.querySelector("small")?.textContent ?? "" }));
    // What was marked stays as the words of the link.
    button.addEventListener("click", () => pick(chosen.trim() ? markdown.replace(/^\[.*\]\(/s, () => `[${chosen}](`) : markdown));
    return element("li", {}, button);
  };
  const find = async () => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    const query = box.value.trim();
    if (!query) {
      list.replaceChildren();
      state.textContent = "";
      return;
    }
    const address = new URL(url, window.location.href);
    address.searchParams.set("q", query);
    try {
      const page = await fetchFragment(address, { select: "main", signal: mine.signal });
      if (running !== mine) return;
      const items = [...page.querySelectorAll("[data-markdown]")].map(shown);
      list.replaceChildren(...(items.length ? items : [element("li", { className: "muted", textContent: word("pickerNone") })]));
      state.textContent = items.length ? word("pickerCount", { count: items.length }) : word("pickerNone");
    } catch {
      if (running === mine) list.replaceChildren(element("li", { className: "field-error", textContent: word("loadFailed") }));
    }
  };

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE_MS);
  });
  dialog.addEventListener("keydown", (event) => {
    const stops = [box, ...list.querySelectorAll("button")];
    const here = stops.indexOf(document.activeElement);
    if (event.key === "Enter" && here === 0) {
      event.preventDefault();
      stops[1]?.click();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && here >= 0) {
      event.preventDefault();
      stops[Math.min(Math.max(here + (event.key === "ArrowDown" ? 1 : -1), 0), stops.length - 1)].focus();
    }
  });
  close.addEventListener("click", () => dialog.close());
  other.addEventListener("click", () => pick(`[${chosen}](https://)`, chosen ? "https://" : ""));
  dialog.addEventListener("close", () => {
    clearTimeout(timer);
    running?.abort();
    dialog.remove();
    area.focus();
    area.setSelectionRange(begin, begin + chosen.length);
    if (!picked) return;
    insert(area, picked.markdown);
    const end = area.selectionStart - 1;
    if (picked.markdown.endsWith("(https://)")) area.setSelectionRange(picked.select ? end - picked.select.length : begin + 1, picked.select ? end : begin + 1);
  });
  document.body.append(dialog);
  dialog.showModal();
  box.focus();
  box.select();
  if (box.value) find();
}
