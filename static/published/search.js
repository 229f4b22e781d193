// Search of the published copy: the words stand in scripts beside this one, so it works from a folder of files.
(function () {
  "use strict";
  const form = document.querySelector(".search");
  const own = document.currentScript;
  if (!form || !own) return;
  const start = own.src.replace(/search\.js$/, `index-${form.dataset.language}`);
  const field = form.querySelector("input");
  const list = document.getElementById("found");
  const said = document.getElementById("said");
  const parts = { first: [], words: [], summaries: [] };
  const loading = new Map();
  const MOST_PARTS = 3;
  form.hidden = false;

  // What a script of the index hands over, whether it came before this one or comes later.
  function take([what, number, data]) {
    parts[what][number] = data;
  }

  const early = window.KB_INDEX || [];
  window.KB_INDEX = { push: take };
  early.forEach(take);

  function load(name) {
    if (!loading.has(name)) {
      loading.set(name, new Promise((done, failed) => {
        const script = document.createElement("script");
        script.onload = done;
        script.onerror = () => {
          loading.delete(name);
          failed(new Error(name));
        };
        script.src = `${start}${name}.js`;
        document.head.append(script);
      }));
    }
    return loading.get(name);
  }

  function words(text) {
    return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").match(/[\p{L}\p{N}]{2,}/gu) || [];
  }

  const stem = (word) => (word.length > 5 ? word.slice(0, -2) : word);

  // The parts of the index in which words can stand that begin so.
  function parts_of(prefix) {
    const begins = parts.first[0].begins;
    let at = begins.findIndex((word) => word > prefix);
    at = at === -1 ? begins.length - 1 : Math.max(at - 1, 0);
    const found = [at];
    while (found.length < MOST_PARTS && at + 1 < begins.length && begins[at + 1].startsWith(prefix)) found.push(++at);
    return found.filter((number) => number >= 0);
  }

  function best_of(word, count) {
    const best = new Map();
    for (const number of parts_of(stem(word))) {
      for (const [term, coded] of Object.entries(parts.words[number])) {
        if (!term.startsWith(stem(word))) continue;
        const exact = term === word ? 1 : term.startsWith(word) ? 0.7 : 0.5;
        const postings = coded.split(" ");
        const rare = Math.log(1 + count / postings.length);
        let page = 0;
        for (const posting of postings) {
          const [gap, weight] = posting.split(".");
          page += parseInt(gap, 36);
          best.set(page, Math.max(best.get(page) || 0, exact * rare * parseInt(weight || "1", 36)));
        }
      }
    }
    return best;
  }

  async function find(text) {
    if (!parts.first[0]) await load("");
    const asked = [...new Set(words(text))].slice(0, 12);
    const needed = new Set(asked.flatMap((word) => parts_of(stem(word))));
    await Promise.all([...needed].map((number) => parts.words[number] || load(`-w${number}`)));
    const scores = new Map();
    for (const word of asked) {
      for (const [page, score] of best_of(word, parts.first[0].pages.length)) {
        const sum = scores.get(page) || { score: 0, count: 0 };
        scores.set(page, { score: sum.score + score, count: sum.count + 1 });
      }
    }
    return [...scores].map(([page, sum]) => [page, sum.score * sum.count / asked.length])
      .sort((one, other) => other[1] - one[1]).slice(0, 20).map(([page]) => page);
  }

  function line_of(page) {
    const [title, url] = parts.first[0].pages[page];
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = url;
    link.textContent = title;
    item.append(link);
    return item;
  }

  // Summaries come when the titles stand there already.
  async function summarise(page, item) {
    const together = parts.first[0].together;
    const number = Math.floor(page / together);
    if (!parts.summaries[number]) await load(`-p${number}`);
    const words_of_it = parts.summaries[number][page % together];
    if (!words_of_it || item.querySelector("p")) return;
    const line = document.createElement("p");
    line.textContent = words_of_it;
    item.append(line);
  }

  async function show() {
    const text = field.value;
    try {
      const found = words(text).length ? await find(text) : [];
      if (text !== field.value) return;
      const items = found.map(line_of);
      list.replaceChildren(...items);
      said.textContent = !text.trim() ? "" : found.length ? form.dataset.found.replace("{count}", found.length) : form.dataset.nothing;
      await Promise.all(found.map((page, place) => summarise(page, items[place])));
    } catch {
      if (text === field.value && !list.children.length) said.textContent = form.dataset.failed;
    }
  }

  field.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  // What every search needs comes once the page stands there.
  load("").then(() => field.value && show(), () => {});
})();
