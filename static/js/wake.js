/* Wakes the behaviours that a part of a page asks for: each a module of its own, fetched only where its mark stands. */

const BEHAVIOURS = [
  ["[data-theme-switch]", "./theme.js"],
  ["[data-key], [data-rows], #keys", "./keys.js"],
  ["form[data-draft], [data-draft-done]", "./draft.js"],
  ["form[data-suggest-url]", "./suggest.js"],
  ["[data-dropzone]", "./dropzone.js"],
  ["form[data-upload]", "./upload.js"],
  ["[data-editor], [data-insert]", "./editor.js"],
  ["[data-paste-url]", "./paste.js"],
  ["[data-recipients]", "./recipients.js"],
  ["[data-autosubmit]", "./autosubmit.js"],
  ["[data-confirm]", "./confirm.js"],
  ["form[data-guard]", "./guard.js"],
  ["[data-search-report], [data-search-live]", "./search.js"],
  ["[data-live-url]", "./live.js"],
  ["[data-countdown]", "./countdown.js"],
  ["[data-fragment-url]", "./reveal.js"],
  ["[data-same-place]", "./place.js"],
];

/** Start every behaviour that has a mark inside a part of the page; modules never start twice on the same element. */
export async function wake(root = document) {
  const wanted = BEHAVIOURS.filter(([mark]) => root.querySelector(mark));
  const modules = await Promise.all(wanted.map(([, path]) => import(path)));
  for (const module of modules) module.start(root);
}
