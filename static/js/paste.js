/* Pictures and files that are pasted into a textarea inside [data-paste-url], or dropped on it: sent at once, and put in
   as the Markdown that the server answers with. Without scripts the file field of the same form does it. */

import { insert } from "./editor.js";
import { csrfToken, element, first, word } from "./words.js";

async function send(url, files) {
  const data = new FormData();
  for (const file of files) data.append("files", file, file.name || "picture.png");
  const headers = { "X-CSRFToken": csrfToken(), Accept: "application/json" };
  const response = await fetch(url, { method: "POST", body: data, headers, credentials: "same-origin" });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer.markdown;
}

async function take(place, area, files) {
  place.status.textContent = word("loading");
  try {
    insert(area, await send(place.zone.dataset.pasteUrl, files));
    place.status.textContent = word("fileSent");
  } catch (error) {
    place.status.textContent = (error instanceof TypeError || error instanceof SyntaxError ? "" : error.message) || word("sendFailed");
  }
}

function watch(zone) {
  const area = zone.querySelector("textarea");
  if (!area) return;
  const place = { zone, status: zone.appendChild(element("p", { className: "hint" })) };
  place.status.setAttribute("role", "status");
  area.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    // A copied table or page brings a picture of itself beside its words: then the words are meant.
    if (!files.length || types.includes("text/plain")) return;
    event.preventDefault();
    take(place, area, files);
  });
  area.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  area.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take(place, area, event.dataTransfer.files);
  });
}

export function start(root) {
  for (const zone of root.querySelectorAll("[data-paste-url]")) if (first(zone, "Paste")) watch(zone);
}
