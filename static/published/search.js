// Search of the published copy: the words stand in a script beside this one, so it works from a folder of files.
(function () {
  "use strict";
  const index = window.KB_INDEX;
  const form = document.querySelector(".search");
  if (!index || !form) return;
  const field = form.querySelector("input");
  const list = document.getElementById("found");
  const said = document.getElementById("said");
  const terms = Object.keys(index.words).sort();
  form.hidden = false;

  function words(text) {
    return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").match(/[\p{L}\p{N}]{2,}/gu) || [];
  }

  function first(prefix) {
    let low = 0, high = terms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (terms[middle] < prefix) low = middle + 1; else high = middle;
    }
    return low;
  }

  function find(text) {
    const scores = new Map();
    const asked = words(text).slice(0, 12);
    for (const word of asked) {
      const best = new Map();
      const stem = word.length > 5 ? word.slice(0, -2) : word;
      for (let at = first(stem), seen = 0; at < terms.length && terms[at].startsWith(stem) && seen < 60; at++, seen++) {
        const exact = terms[at] === word ? 1 : terms[at].startsWith(word) ? 0.7 : 0.5;
        const postings = index.words[terms[at]].split(" ");
        const rare = Math.log(1 + index.pages.length / postings.length);
        let page = 0;
        for (const posting of postings) {
          const [gap, weight] = posting.split(".");
          page += parseInt(gap, 36);
          best.set(page, Math.max(best.get(page) || 0, exact * rare * parseInt(weight || "1", 36)));
        }
      }
      for (const [page, score] of best) {
        const sum = scores.get(page) || { score: 0, count: 0 };
        scores.set(page, { score: sum.score + score, count: sum.count + 1 });
      }
    }
    return [...scores].map(([page, sum]) => [page, sum.score * sum.count / asked.length])
      .sort((one, other) => other[1] - one[1]).slice(0, 20);
  }

  function show() {
    const found = field.value.trim() ? find(field.value) : [];
    list.replaceChildren(...found.map(([page]) => {
      const [title, url, summary] = index.pages[page];
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = url;
      link.textContent = title;
      item.append(link);
      if (summary) {
        const line = document.createElement("p");
        line.textContent = summary;
        item.append(line);
      }
      return item;
    }));
    said.textContent = !field.value.trim() ? "" : found.length ? form.dataset.found.replace("{count}", found.length) : form.dataset.nothing;
  }

  field.addEventListener("input", show);
  form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  if (field.value) show();
})();
