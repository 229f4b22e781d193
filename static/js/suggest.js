/* What may already answer the question, beside it while it is typed.
   form[data-suggest-url] GETs ?title=…&body=… and expects a JSON list of
   {kind, label, title: [[text, marked], …], url, snippet: [[text, marked], …], note, fragment_url, ref}.
   Everything is set as text; only the piece that is opened in place comes as HTML, through fragment.js. */

import { fetchFragment } from "./fragment.js";
import { csrfToken, element, first, word } from "./words.js";

const PAUSE_MS = 250;
const SEEN_MS = 1500; // A list that stood there for so long was shown.
const SHORTEST = 4;

const segments = (parts) => (typeof parts === "string" ? [[parts, false]] : parts ?? []).map(([text, marked]) => (marked ? element("mark", { textContent: text }) : text));

/* What is said of suggestions names them alone: never what was typed. */
async function say(form, url, fields) {
  const body = new URLSearchParams([...fields, ["showing", form.dataset.showing ?? ""]]);
  const answer = await fetch(url, { method: "POST", credentials: "same-origin", keepalive: true, headers: { "X-CSRFToken": csrfToken() }, body });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
}

/* A page that is loaded again, or comes back with what is missing in it, goes on with the showing that it was. */
function remember(form, showing) {
  form.dataset.showing = showing;
  if (form.elements.showing) form.elements.showing.value = showing;
  try { sessionStorage.setItem("showing", showing); } catch { /* Without storage it is counted as another one. */ }
}

function recall(form) {
  const isAgain = performance.getEntriesByType("navigation")[0]?.type === "reload" || form.querySelector("[aria-invalid=true]");
  try { if (isAgain) form.dataset.showing = sessionStorage.getItem("showing") ?? ""; } catch { /* As above. */ }
}

const waiting = new WeakMap(); // Of a form: the list that is not said to be shown yet, and what is being said.

function shown(form) {
  const { items, said = Promise.resolve() } = waiting.get(form) ?? {};
  if (!form.dataset.shownUrl || !items?.length) return said;
  const fields = [...items.map((item) => ["ref", item.ref ?? ""]), ["topic", form.elements.topic?.value ?? ""]];
  // One after the other, so that all lists of a page are one showing.
  const next = said.then(async () => { remember(form, (await (await say(form, form.dataset.shownUrl, fields)).json()).showing); }).catch(() => {});
  waiting.set(form, { said: next });
  return next;
}

/* Whoever is quick opens something of a list that stood there for a moment only: it was shown all the same. */
async function opened(form, item) {
  await shown(form);
  if (form.dataset.openedUrl && form.dataset.showing) await say(form, form.dataset.openedUrl, [["ref", item.ref ?? ""]]).catch(() => {});
}

async function report(form, item, where) {
  await shown(form);
  await say(form, form.dataset.answeredUrl, [["ref", item.ref ?? ""]]);
  where.replaceChildren(element("p", { textContent: word("suggestThanks") }));
}

function card(form, item) {
  const made = element("article", { className: "suggestion" });
  const link = element("a", { href: item.url, target: "_blank", rel: "noopener" }, ...segments(item.title));
  link.addEventListener("click", () => opened(form, item));
  made.append(element("h3", {}, link));
  made.append(element("p", {}, ...segments(item.snippet)));
  made.append(element("p", { className: "meta", textContent: [item.label ?? item.kind, item.note].filter(Boolean).join(", ") }));
  if (item.fragment_url) {
    const inside = element("div", { className: "prose", textContent: word("loading"), tabIndex: 0 });
    const fold = element("details", {}, element("summary", { textContent: word("suggestRead") }), inside);
    fold.addEventListener("toggle", async () => {
      if (!fold.open || fold.dataset.loaded) return;
      fold.dataset.loaded = "yes";
      opened(form, item);
      try {
        inside.replaceChildren(await fetchFragment(item.fragment_url));
      } catch {
        delete fold.dataset.loaded;
        inside.textContent = word("loadFailed");
      }
    });
    made.append(fold);
  }
  if (form.dataset.answeredUrl) {
    const actions = element("div", { className: "card-actions" });
    const button = element("button", { type: "button", className: "btn btn-link", textContent: word("suggestAnswered") });
    button.addEventListener("click", () => {
      button.disabled = true;
      report(form, item, actions).catch(() => { button.disabled = false; });
    });
    actions.append(button);
    made.append(actions);
  }
  return made;
}

function watch(form) {
  const target = document.querySelector(form.dataset.suggestTarget || "[data-suggest-target]");
  if (!target) return;
  const list = element("div", { className: "stack" });
  const status = element("p", { className: "visually-hidden" });
  status.setAttribute("role", "status");
  target.append(list, status);
  const heading = target.querySelector("h2");
  recall(form);
  let timer = 0;
  let seen = 0;
  let last = "";
  let flight = null;

  const ask = async () => {
    const title = form.elements.title?.value.trim() ?? "";
    const body = (form.elements.body?.value ?? "").trim().slice(0, 600);
    const url = new URL(form.dataset.suggestUrl, window.location.href);
    url.searchParams.set("title", title);
    url.searchParams.set("body", body);
    for (const name of ["topic", "country"]) if (form.elements[name]?.value) url.searchParams.set(name, form.elements[name].value);
    if (url.href === last) return;
    last = url.href;
    flight?.abort();
    if (title.length + body.length < SHORTEST) {
      list.replaceChildren();
      target.hidden = true;
      return;
    }
    flight = new AbortController();
    try {
      const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" }, signal: flight.signal });
      if (!answer.ok) return;
      const items = await answer.json();
      if (list.querySelector("details[open]") && list.contains(document.activeElement)) return; // Never pull away what is being read.
      list.replaceChildren(...items.map((item) => card(form, item)));
      target.hidden = !items.length;
      if (heading) heading.hidden = !items.length;
      clearTimeout(seen);
      waiting.set(form, { ...waiting.get(form), items });
      seen = setTimeout(() => shown(form), SEEN_MS);
      status.textContent = items.length ? word("suggestCount", { count: items.length }) : word("suggestNone");
    } catch (error) {
      if (error.name !== "AbortError") last = ""; // Offline for a moment: the next key tries again.
    }
  };
  form.addEventListener("input", (event) => {
    if (!["title", "body", "topic", "country"].includes(event.target.name)) return;
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
  ask();
}

export function start(root) {
  for (const form of root.querySelectorAll("form[data-suggest-url]")) if (first(form, "Suggest")) watch(form);
}
