/* Keeps what is typed in form[data-draft="key"] in this browser until it has been sent. With data-typing-url the server keeps
   it, and this browser only what did not get there; data-typing-mark says what of the server's this page goes on from.
   Sent is known from the server (a flash of category "draft-done" with the key), or, failing that, from having arrived by
   the form's own redirect at a page without an error summary. Passwords, files and hidden fields are never kept. */

import { csrfToken, element, first, word } from "./words.js";

const PREFIX = "draft:";
const PAUSE_MS = 400;
const DAYS_KEPT = 30;
const SERVER_PAUSE_MS = 1500;
const SERVER_MOST_MS = 10000;
// What a browser sends on after its page is gone may be no longer.
const MOST_AFTERWARDS = 60000;

const read = (key) => {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
};
const write = (key, draft) => {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(draft));
    return true;
  } catch {
    return false; // Full or forbidden: the form works as without scripts.
  }
};

/** Forget a draft, as when it has been sent. */
export const forget = (key) => localStorage.removeItem(PREFIX + key);

const kept = (form) => [...form.elements].filter((field) => field.name && field.name !== "csrf_token" && !field.hasAttribute("data-no-draft")
  && !["password", "file", "hidden", "submit", "button", "search"].includes(field.type) && field.localName !== "button" && field.localName !== "fieldset");

const valueOf = (field) => (field.type === "checkbox" || field.type === "radio" ? field.checked : field.multiple ? [...field.selectedOptions].map((option) => option.value) : field.value);
const nameOf = (field) => (field.type === "checkbox" || field.type === "radio" ? `${field.name}=${field.value}` : field.name);
const initialOf = (field) => (field.type === "checkbox" || field.type === "radio" ? field.defaultChecked
  : field.localName === "select" ? ([...field.options].find((option) => option.defaultSelected)?.value ?? field.options[0]?.value ?? "") : field.defaultValue);

function snapshot(form) {
  return Object.fromEntries(kept(form).filter((field) => valueOf(field) !== initialOf(field)).map((field) => [nameOf(field), valueOf(field)]));
}

function restore(form, values) {
  let changed = false;
  for (const field of kept(form)) {
    const value = values[nameOf(field)];
    if (value === undefined || valueOf(field) !== initialOf(field)) continue;
    if (field.type === "checkbox" || field.type === "radio") field.checked = value;
    else if (field.multiple) for (const option of field.options) option.selected = value.includes(option.value);
    else field.value = value;
    changed = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  return changed;
}

const clock = (time) => new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format(time);

function say(form, text, ...more) {
  const places = form.querySelectorAll("[data-draft-state]");
  for (const place of places) place.replaceChildren(text, ...more);
}

function wasSent(draft, form) {
  const [navigation] = performance.getEntriesByType("navigation");
  return draft.submitted && navigation?.type === "navigate" && document.referrer.startsWith(window.location.origin)
    && !form.querySelector("[aria-invalid=true]") && !document.querySelector("[data-error-summary]");
}

/** Hands what is typed to the server; @returns {Promise<number>} the status, 0 if nothing got there. */
async function sendTyped(form, signal) {
  const fields = new URLSearchParams({ after: form.dataset.typingMark });
  for (const field of form.elements) {
    const isOurs = ["text", "textarea", "select-one"].includes(field.type) || ["version", "base", "kept_version"].includes(field.name);
    if (field.name && isOurs && !field.hasAttribute("data-no-draft")) fields.set(field.name, field.value);
  }
  const body = fields.toString();
  try {
    const response = await fetch(form.dataset.typingUrl, {
      method: "POST", body, signal, credentials: "same-origin", keepalive: body.length < MOST_AFTERWARDS,
      headers: { "X-CSRFToken": csrfToken(), "Content-Type": "application/x-www-form-urlencoded" },
    });
    if (response.ok && !response.redirected) form.dataset.typingMark = (await response.json()).mark;
    return response.redirected ? 0 : response.status;
  } catch {
    return 0;
  }
}

/** Keeps a form on the server after each pause. @returns {{later: function, now: function, stop: function}} */
function typing(form, keepHere) {
  let timer = 0;
  let since = 0;
  let running = null;
  let isWaiting = false;
  const now = async () => {
    clearTimeout(timer);
    since = 0;
    if (running) {
      isWaiting = true;
      return;
    }
    running = new AbortController();
    const status = await sendTyped(form, running.signal);
    running = null;
    if (form.dataset.submitted) return;
    if (status >= 200 && status < 300) {
      if (!isWaiting && !since) {
        forget(form.dataset.draft);
        form.dataset.draftSafe = "yes";
      }
      say(form, word("draftSaved", { time: clock(Date.now()) }));
    } else {
      keepHere();
      if (status === 409) say(form, word("typingElsewhere"));
    }
    if (isWaiting) {
      isWaiting = false;
      now();
    }
  };
  const later = () => {
    since ||= Date.now();
    clearTimeout(timer);
    timer = setTimeout(now, Math.max(0, Math.min(SERVER_PAUSE_MS, since + SERVER_MOST_MS - Date.now())));
  };
  const stop = () => {
    clearTimeout(timer);
    running?.abort();
  };
  return { later, now, stop };
}

function watch(form) {
  const key = form.dataset.draft;
  let timer = 0;
  const save = () => {
    const values = snapshot(form);
    if (!Object.keys(values).length) {
      forget(key);
      say(form, "");
    } else if (write(key, { values, at: Date.now() })) say(form, word("draftSaved", { time: clock(Date.now()) }));
    form.dataset.draftSafe = "yes"; // The leave guard need not ask.
  };
  const server = form.dataset.typingUrl ? typing(form, save) : null;
  // A page that is only looked at keeps nothing: it would stand in the way of the next one as if it were another window.
  let isTyped = Boolean(form.querySelector("[aria-invalid=true]"));
  form.addEventListener("input", () => {
    isTyped = true;
    delete form.dataset.draftSafe;
    clearTimeout(timer);
    if (server) server.later();
    else timer = setTimeout(save, PAUSE_MS);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && isTyped && !form.dataset.draftSafe && !form.dataset.submitted) {
      save();
      server?.now();
    }
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    server?.stop();
    form.dataset.submitted = "yes";
    write(key, { values: snapshot(form), at: Date.now(), submitted: true });
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) delete form.dataset.submitted;
  });

  const draft = read(key);
  if (!draft) return;
  if (wasSent(draft, form)) {
    forget(key);
    return;
  }
  form.dataset.draftSafe = "yes";
  if (!restore(form, draft.values)) return;
  const discard = element("button", { type: "button", className: "btn btn-link", textContent: word("draftDiscard") });
  discard.addEventListener("click", () => {
    clearTimeout(timer);
    forget(key);
    form.reset();
    say(form, "");
  });
  clearTimeout(timer);
  say(form, word("draftRestored"), " ", discard);
}

function sweep() {
  const oldest = Date.now() - DAYS_KEPT * 86400000;
  for (const name of Object.keys(localStorage).filter((one) => one.startsWith(PREFIX))) {
    if ((read(name.slice(PREFIX.length))?.at ?? 0) < oldest) localStorage.removeItem(name);
  }
}

export function start(root) {
  try {
    for (const done of root.querySelectorAll("[data-draft-done]")) forget(done.dataset.draftDone);
    sweep();
    for (const form of root.querySelectorAll("form[data-draft]")) if (first(form, "Draft")) watch(form);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // Storage is forbidden here: nothing is kept.
  }
}
