/* The one door through which HTML enters a page after it has loaded.
   The policy is private to this module, accepts only what our own server sent as HTML just now, and what it parses is
   stripped of anything that could run before it is handed out. */

import { csrfToken } from "./words.js";

const received = new Set();
const rules = {
  createHTML(text) {
    if (!received.delete(text)) throw new TypeError("Only HTML from our own server may be parsed.");
    return text;
  },
};
const policy = window.trustedTypes ? window.trustedTypes.createPolicy("helpdesk", rules) : rules;

function parse(text) {
  received.add(text);
  const page = new DOMParser().parseFromString(policy.createHTML(text), "text/html");
  for (const node of page.querySelectorAll("script, style, iframe, object, embed, base, meta[http-equiv]")) node.remove();
  for (const node of page.querySelectorAll("*")) {
    for (const { name, value } of [...node.attributes]) {
      const runs = name.startsWith("on") || name === "style" || name === "srcdoc" || /^\s*(javascript|data|vbscript):/i.test(value);
      if (runs && !(node.localName === "img" && name === "src")) node.removeAttribute(name);
    }
  }
  return page;
}

/** The document in a response of ours, parsed and harmless. */
export async function parseResponse(response) {
  if (new URL(response.url).origin !== window.location.origin) throw new TypeError("Not from our own server.");
  if (!(response.headers.get("Content-Type") ?? "").startsWith("text/html")) throw new TypeError("Not HTML.");
  return parse(await response.text());
}

/** The same for an XMLHttpRequest that has ended. */
export function parseRequest(request) {
  if (new URL(request.responseURL).origin !== window.location.origin) throw new TypeError("Not from our own server.");
  if (!(request.getResponseHeader("Content-Type") ?? "").startsWith("text/html")) throw new TypeError("Not HTML.");
  return parse(request.responseText);
}

/** Fetch a piece of a page from our own server. With fields it is a POST that carries the CSRF token.
    @returns {Promise<DocumentFragment>} of the element that `select` names, or of the whole body.
    @throws {Error} when the answer is not 2xx, not HTML or not ours. */
export async function fetchFragment(url, { fields = null, select = "", signal } = {}) {
  const address = new URL(url, window.location.href);
  if (address.origin !== window.location.origin) throw new TypeError("Not from our own server.");
  const response = await fetch(address, {
    method: fields ? "POST" : "GET",
    body: fields ? new URLSearchParams(fields) : undefined,
    headers: fields ? { "X-CSRFToken": csrfToken(), "X-Fragment": "1" } : { "X-Fragment": "1" },
    credentials: "same-origin",
    signal,
  });
  if (!response.ok) throw new Error(String(response.status));
  const page = await parseResponse(response);
  const source = (select && page.querySelector(select)) || page.body;
  const fragment = document.createDocumentFragment();
  fragment.append(...[...source.childNodes].map((node) => document.importNode(node, true)));
  return fragment;
}
