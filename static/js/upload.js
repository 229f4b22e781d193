/* Sends form[data-upload] with its progress shown for each file, when it holds files; otherwise the browser sends it.
   The request carries "X-Upload: 1"; the server may answer 204 with X-Location instead of a redirect. A page that comes back
   with errors replaces the form's page, and the chosen files are put back, so that nothing is chosen twice. */

import { forget } from "./draft.js";
import { put, show } from "./dropzone.js";
import { parseRequest } from "./fragment.js";
import { wake } from "./wake.js";
import { element, first, word } from "./words.js";

const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });

const inputsOf = (form) => [...form.querySelectorAll("input[type=file]")].filter((input) => input.files.length);

function bars(form) {
  const parts = [];
  for (const input of inputsOf(form)) {
    const items = input.closest(".field").querySelectorAll("[data-files] .file:not(.is-refused)");
    [...input.files].forEach((file, index) => {
      const bar = element("progress", { max: file.size || 1, value: 0 });
      bar.setAttribute("aria-label", file.name);
      items[index]?.append(bar);
      parts.push([file.size, bar]);
    });
  }
  return parts;
}

function advance(parts, loaded) {
  let left = loaded;
  for (const [bytes, bar] of parts) {
    bar.value = Math.max(0, Math.min(bytes, left)) || (bytes ? 0 : 1);
    left -= bytes;
  }
}

async function replacePage(form, request) {
  const page = parseRequest(request);
  const chosen = new Map(inputsOf(form).map((input) => [input.name, [...input.files]]));
  const main = document.querySelector("main");
  main.replaceChildren(...[...page.querySelector("main").childNodes].map((node) => document.importNode(node, true)));
  document.title = page.title;
  for (const [name, files] of chosen) {
    const input = main.querySelector(`input[type=file][name="${CSS.escape(name)}"]`);
    if (!input) continue;
    put(input, files);
    const zone = input.closest("[data-dropzone]");
    if (zone) show(zone);
  }
  await wake(main);
  (main.querySelector("[data-error-summary]") ?? main).focus();
}

function send(form, submitter) {
  const request = new XMLHttpRequest();
  const address = new URL(form.getAttribute("action") || "", window.location.href).href;
  const data = new FormData(form, submitter);
  const parts = bars(form);
  const status = form.querySelector("[data-draft-state]") ?? form.appendChild(element("p", { role: "status" }));
  const label = submitter?.textContent;
  if (submitter) submitter.disabled = true;
  const again = () => {
    for (const [, bar] of parts) bar.remove();
    if (submitter) {
      submitter.disabled = false;
      submitter.textContent = label;
    }
    delete form.dataset.submitted;
    status.textContent = word("sendFailed");
  };
  request.upload.addEventListener("progress", (event) => {
    advance(parts, event.loaded);
    if (event.lengthComputable) status.textContent = word("sending", { percent: percent.format(event.loaded / event.total) });
  });
  request.addEventListener("load", () => {
    const place = request.getResponseHeader("X-Location");
    const elsewhere = request.responseURL && request.responseURL !== address;
    if (request.status < 400 && (place || elsewhere)) {
      if (form.dataset.draft) forget(form.dataset.draft);
      form.dataset.leaving = "yes";
      window.location.assign(new URL(place ?? request.responseURL, window.location.href));
    } else {
      replacePage(form, request).catch(again);
    }
  });
  request.addEventListener("error", again);
  request.addEventListener("abort", again);
  request.open("POST", address);
  request.setRequestHeader("X-Upload", "1");
  request.send(data);
}

export function start(root) {
  for (const form of root.querySelectorAll("form[data-upload]")) {
    if (!first(form, "Upload")) continue;
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented || !inputsOf(form).length) return;
      event.preventDefault();
      send(form, event.submitter);
    });
  }
}
