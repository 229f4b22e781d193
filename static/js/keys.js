/* The keyboard: any element with data-key="r" (or "g d") is clicked or focused by its key, rows are walked with j and k.
   Nothing happens while somebody types, nor when the keys were switched off in the list that "?" opens (WCAG 2.1.4). */

import { element, first } from "./words.js";

const SEQUENCE_MS = 1200;
const STORE = "keys-off";

let pending = "";
let pendingSince = 0;

const isOff = () => localStorage.getItem(STORE) === "1";
const isTyping = (target) => target.closest?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")].filter((row) => row.getClientRects().length);
const current = () => document.querySelector("[data-row].is-current");

function walk(step) {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(current());
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  current()?.classList.remove("is-current");
  next.classList.add("is-current");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("[data-row-link]")?.focus({ preventScroll: true });
  return true;
}

function press(target) {
  if (target.matches("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select")) {
    target.focus();
    target.select?.();
  } else {
    target.click();
    const focus = target.dataset.keyFocus && document.querySelector(target.dataset.keyFocus);
    focus?.focus();
    if (focus?.localName === "textarea" && focus.selectionEnd === 0) focus.setSelectionRange(focus.value.length, focus.value.length);
  }
}

const built = {
  j: () => walk(1),
  k: () => walk(-1),
  x: () => {
    const box = current()?.querySelector("input[type=checkbox]");
    box?.click();
    return Boolean(box);
  },
  o: () => {
    const link = current()?.querySelector("[data-row-link]");
    link?.click();
    return Boolean(link);
  },
  "?": () => {
    const dialog = document.getElementById("keys");
    dialog?.showModal();
    return Boolean(dialog);
  },
};

function visible(target) {
  return target.getClientRects().length > 0 && !target.disabled;
}

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key.length !== 1 || isTyping(event.target) || isOff() || document.querySelector("dialog[open]")) return;
  const now = performance.now();
  const sequence = pending && now - pendingSince < SEQUENCE_MS ? `${pending} ${event.key}` : event.key;
  pending = "";
  const scope = current();
  const wanted = `[data-key="${CSS.escape(sequence)}"]`;
  const target = [...(scope?.querySelectorAll(wanted) ?? []), ...document.querySelectorAll(wanted)].find(visible);
  if (target) {
    event.preventDefault();
    press(target);
  } else if (built[sequence]) {
    if (built[sequence]()) event.preventDefault();
  } else if (document.querySelector(`[data-key^="${CSS.escape(event.key)} "]`)) {
    pending = event.key;
    pendingSince = now;
  }
}

function fillDialog(dialog) {
  const list = dialog.querySelector("dl");
  const seen = new Set([...list.querySelectorAll("dt")].map((term) => term.textContent.trim()));
  for (const target of document.querySelectorAll("[data-key][data-key-label]")) {
    const { key, keyLabel } = target.dataset;
    if (seen.has(key)) continue;
    seen.add(key);
    const keys = key.split(" ").flatMap((one) => [element("kbd", { textContent: one }), " "]);
    list.append(element("dt", {}, ...keys), element("dd", { textContent: keyLabel }));
  }
  const box = dialog.querySelector("[data-keys-on]");
  if (!box) return;
  box.checked = !isOff();
  box.addEventListener("change", () => localStorage.setItem(STORE, box.checked ? "" : "1"));
}

export function start() {
  if (!first(document.documentElement, "Keys")) return;
  document.addEventListener("keydown", onKey);
  const dialog = document.getElementById("keys");
  if (dialog) fillDialog(dialog);
  for (const opener of document.querySelectorAll("[data-open-keys]")) opener.addEventListener("click", () => dialog?.showModal());
}
