/* Files dropped or chosen: shows them with their sizes, lets one be taken out, refuses at once what is over the limit.
   The input stays an ordinary file input, so the form sends as without scripts. */

import { element, first, size, word } from "./words.js";

/** Redraw the list of chosen files beside an input; used by upload.js after it has put the files back. */
export function show(zone) {
  const input = zone.querySelector("input[type=file]");
  const list = zone.parentElement.querySelector("[data-files]");
  list.replaceChildren(...[...input.files].map((file, index) => {
    const remove = element("button", { type: "button", textContent: "×" });
    remove.setAttribute("aria-label", word("fileRemove", { name: file.name }));
    remove.addEventListener("click", () => {
      put(input, [...input.files].filter((_, other) => other !== index));
      show(zone);
      input.focus();
    });
    return element("li", { className: "file" }, file.name, " ", element("small", { textContent: size(file.size) }), remove);
  }));
}

/** Make these the chosen files of an input. */
export function put(input, files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
}

function take(zone, files) {
  const input = zone.querySelector("input[type=file]");
  const most = Number(zone.dataset.maxBytes) || Infinity;
  const fits = files.filter((file) => file.size <= most);
  put(input, fits);
  show(zone);
  const list = zone.parentElement.querySelector("[data-files]");
  for (const file of files.filter((one) => one.size > most)) {
    const text = word("fileTooBig", { size: size(file.size), limit: zone.dataset.maxLabel });
    list.append(element("li", { className: "file is-refused" }, file.name, " ", element("small", { textContent: text })));
  }
}

function watch(zone) {
  const input = zone.querySelector("input[type=file]");
  zone.classList.add("is-live");
  for (const hint of zone.querySelectorAll("[data-live-only]")) hint.hidden = false;
  let before = [];
  input.addEventListener("click", () => { before = [...input.files]; });
  input.addEventListener("change", () => {
    const known = new Set(before.map((file) => `${file.name}/${file.size}`));
    const chosen = [...input.files].filter((file) => !known.has(`${file.name}/${file.size}`));
    take(zone, [...before, ...chosen]);
    before = [...input.files];
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("is-over");
  });
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    take(zone, [...input.files, ...event.dataTransfer.files]);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  if (input.files.length) show(zone);
}

export function start(root) {
  for (const zone of root.querySelectorAll("[data-dropzone]")) if (first(zone, "Dropzone")) watch(zone);
}
