/* Writing Markdown: a toolbar, the usual keys, a preview made by the server; and [data-insert] buttons that put a text
   (such as a citation) at the cursor of the textarea that data-insert-into names. */

import { fetchFragment } from "./fragment.js";
import { element, first, word } from "./words.js";

/** Put text in place of the selection, keeping the browser's own undo where it can. */
export function insert(area, text) {
  area.focus();
  // The one way that keeps Ctrl+Z working; setRangeText empties the undo history.
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

const selected = (area) => area.value.slice(area.selectionStart, area.selectionEnd);

function wrap(area, sign) {
  const text = selected(area);
  insert(area, `${sign}${text}${sign}`);
  if (!text) area.setSelectionRange(area.selectionStart - sign.length, area.selectionStart - sign.length);
}

function prefix(area, sign) {
  const from = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  area.setSelectionRange(from, area.selectionEnd);
  insert(area, selected(area).split("\n").map((line) => sign + line).join("\n"));
}

function link(area) {
  const text = selected(area);
  insert(area, `[${text}](https://)`);
  const end = area.selectionStart - 1;
  area.setSelectionRange(text ? end - "https://".length : end - "](https://".length, text ? end : end - "](https://".length);
}

async function preview(editor, area, pane) {
  if (!area.value.trim()) {
    pane.replaceChildren(element("p", { className: "muted", textContent: word("previewEmpty") }));
    return;
  }
  pane.replaceChildren(element("p", { className: "muted", textContent: word("loading") }));
  try {
    pane.replaceChildren(await fetchFragment(editor.dataset.previewUrl, { fields: { text: area.value } }));
  } catch {
    pane.replaceChildren(element("p", { className: "field-error", textContent: word("sendFailed") }));
  }
}

function watch(editor) {
  const area = editor.querySelector("textarea");
  const bar = editor.querySelector("[data-editor-bar]");
  const pane = editor.querySelector("[data-preview]");
  if (!area || !bar) return;
  bar.hidden = false;
  const turn = (mode) => {
    area.hidden = mode === "preview";
    pane.hidden = mode !== "preview";
    for (const button of bar.querySelectorAll("[data-show]")) button.setAttribute("aria-pressed", String(button.dataset.show === mode));
    if (mode === "preview") preview(editor, area, pane);
    else area.focus();
  };
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.show) turn(button.dataset.show);
    else {
      if (area.hidden) turn("write");
      if (button.dataset.wrap) wrap(area, button.dataset.wrap);
      else if (button.dataset.prefix) prefix(area, button.dataset.prefix);
      else if ("link" in button.dataset) link(area);
    }
  });
  area.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    const act = { b: () => wrap(area, "**"), i: () => wrap(area, "_"), k: () => link(area) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

export function start(root) {
  for (const editor of root.querySelectorAll("[data-editor]")) if (first(editor, "Editor")) watch(editor);
  for (const button of root.querySelectorAll("[data-insert]")) {
    if (!first(button, "Insert")) continue;
    button.hidden = false;
    button.addEventListener("click", (event) => {
      const area = document.querySelector(button.dataset.insertInto || "[data-editor] textarea");
      if (!area || area.disabled) return;
      event.preventDefault();
      if (area.hidden) area.closest("[data-editor]")?.querySelector("[data-show=write]")?.click();
      insert(area, button.dataset.insert);
      // The server must know what was cited: a hidden field of the same form carries the reference.
      if (button.dataset.insertRef && area.form && ![...area.form.querySelectorAll("input[name=cited]")].some((field) => field.value === button.dataset.insertRef)) {
        area.form.append(element("input", { type: "hidden", name: "cited", value: button.dataset.insertRef }));
      }
    });
  }
}
