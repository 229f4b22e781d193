/* The sentences that scripts say: written and translated in templates/_words.html. */

const words = document.getElementById("words")?.dataset ?? {};

/** One sentence by its name (camelCase), with {name} places filled in. An unknown name gives itself. */
export function word(name, values = {}) {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (place, key) => String(values[key] ?? place));
}

/** An element with properties and children; text stays text. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A size in bytes as people say it (1 MB is 2^20, as in the limits of the settings), in the language of the page. */
export function size(bytes) {
  const [value, unit] = bytes < 1048576 ? [bytes / 1024, "kilobyte"] : [bytes / 1048576, "megabyte"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

/** True the first time only for an element and a behaviour, so that waking twice does no harm. */
export function first(target, behaviour) {
  const key = `woken${behaviour}`;
  if (target.dataset[key]) return false;
  target.dataset[key] = "yes";
  return true;
}

/** The token that every write carries. */
export function csrfToken() {
  return document.querySelector("input[name=csrf_token]")?.value ?? "";
}
