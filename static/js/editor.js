/* Writing Markdown: a toolbar, the usual keys, a preview made by the server (with data-live beside the text, after each
   pause), with data-picker-url a search for what to link to; and [data-insert] buttons that put a text
   (such as a citation) at the cursor of the textarea that data-insert-into names. */

import { fetchFragment } from "./fragment.js";
import { element, first, word } from "./words.js";

const PAUSE_MS = 400;
const MODE = "editor-shows";

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

/** What the preview is made from: the text, and what else of the form decides how its page will look. */
function fieldsOf(area) {
  const fields = { text: area.value };
  for (const name of ["title", "visibility", "language", "slug"]) {
    const field = area.form?.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) fields[name] = field.value;
  }
  return fields;
}

/** Keep the pane where the text is, as far down as that is scrolled. */
function follow(area, pane) {
  const far = area.scrollHeight - area.clientHeight;
  if (far > 0) pane.scrollTop = (area.scrollTop / far) * (pane.scrollHeight - pane.clientHeight);
}

/** Draws the preview; what is shown stays until the new one is there, and only the newest one counts. */
function drawer(editor, area, pane) {
  let running = null;
  let shown = "";
  return async () => {
    const fields = fieldsOf(area);
    const wanted = JSON.stringify(fields);
    if (wanted === shown) return;
    running?.abort();
    const mine = new AbortController();
    running = mine;
    if (!fields.text.trim()) {
      shown = wanted;
      pane.replaceChildren(element("p", { className: "muted", textContent: word("previewEmpty") }));
      return;
    }
    if (!pane.hasChildNodes()) pane.replaceChildren(element("p", { className: "muted", textContent: word("loading") }));
    try {
      const made = await fetchFragment(editor.dataset.previewUrl, { fields, signal: mine.signal });
      if (running !== mine) return;
      const before = pane.scrollTop;
      pane.replaceChildren(made);
      pane.scrollTop = before;
      if ("live" in editor.dataset && !area.hidden) follow(area, pane);
      shown = wanted;
    } catch {
      if (running !== mine) return;
      shown = "";
      pane.replaceChildren(element("p", { className: "field-error", textContent: word("sendFailed") }));
    }
  };
}

const remembered = () => {
  try {
    return localStorage.getItem(MODE);
  } catch {
    return null; // Storage is forbidden here.
  }
};
const remember = (mode) => {
  try {
    localStorage.setItem(MODE, mode);
  } catch {
    // Nothing is remembered then.
  }
};

function watch(editor) {
  const area = editor.querySelector("textarea");
  const bar = editor.querySelector("[data-editor-bar]");
  const pane = editor.querySelector("[data-preview]");
  if (!area || !bar) return;
  bar.hidden = false;
  const isLive = "live" in editor.dataset;
  const draw = drawer(editor, area, pane);
  let timer = 0;
  const turn = (mode, { focus = true } = {}) => {
    area.hidden = mode === "preview";
    pane.hidden = mode === "write";
    editor.classList.toggle("is-both", mode === "both");
    for (const button of bar.querySelectorAll("[data-show]")) button.setAttribute("aria-pressed", String(button.dataset.show === mode));
    if (mode !== "write") draw();
    if (mode !== "preview" && focus) area.focus();
  };
  if (isLive) {
    const later = () => {
      clearTimeout(timer);
      if (!pane.hidden) timer = setTimeout(draw, PAUSE_MS);
    };
    (area.form ?? area).addEventListener("input", later);
    area.addEventListener("scroll", () => { if (!pane.hidden) follow(area, pane); }, { passive: true });
    turn(remembered() ?? (window.matchMedia("(min-width: 64rem)").matches ? "both" : "write"), { focus: false });
  }
  // Loaded ahead, so that no key is lost between asking for the dialog and its being there.
  const picker = editor.dataset.pickerUrl ? import("./picker.js") : null;
  const linked = () => (picker ? picker.then(({ open }) => open(editor.dataset.pickerUrl, area, insert)) : link(area));
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.show) {
      if (isLive) remember(button.dataset.show);
      turn(button.dataset.show);
    } else {
      if (area.hidden) turn("write");
      if (button.dataset.wrap) wrap(area, button.dataset.wrap);
      else if (button.dataset.prefix) prefix(area, button.dataset.prefix);
      else if ("link" in button.dataset) linked();
    }
  });
  area.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    const act = { b: () => wrap(area, "**"), i: () => wrap(area, "_"), k: linked }[event.key];
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
