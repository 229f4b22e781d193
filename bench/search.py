"""Measure the embedded search index with many articles and write bench/SEARCH.md: ``python -m bench.search``.

Figures are processor time of the process that searches, which does not grow when other processes share the machine.
"""

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.texts import Texts
from kb.search import Document, Query
from kb.search.whoosh_index import WhooshIndex

LANGUAGES = ("en", "en", "es", "fr")
EVERYBODY = ("public",)
ROUNDS = 300


def documents(count: int) -> Iterator[Document]:
    """Articles of about 460 words in three languages, always the same."""
    texts = {language: Texts(language, 7) for language in set(LANGUAGES)}
    for number in range(count):
        language = LANGUAGES[number % len(LANGUAGES)]
        source = texts[language]
        headings, blocks = source.article()
        yield Document(
            id=f"article:{number}", kind="article", title=source.title(number), url=f"/kb/{language}/{number}",
            summary=source.random.choice(source.sentences), text="\n\n".join(block.text for block in blocks),
            headings=tuple(headings), language=language, topic=f"topic{number % 9}", updated=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip


def asked(count: int) -> list[str]:
    """Searches of two to five words that stand in the texts."""
    chance = random.Random(3)
    sentences = [sentence for language in ("en", "es", "fr") for sentence in Texts(language, 7).sentences]
    words = [[word for word in sentence.split() if len(word) > 3] for sentence in sentences]
    told = [each for each in words if len(each) > 5]
    found = []
    for _ in range(count):
        each = chance.choice(told)
        length = chance.randint(2, 5)
        start = chance.randrange(len(each) - length)
        found.append(" ".join(each[start : start + length]).strip(".,:;?!()“”"))
    return found


def measured(act: Callable[[str], object], texts: list[str]) -> tuple[float, float]:
    """Processor time in ms: the median and the 95th of a hundred."""
    times = []
    for text in texts:
        began = time.process_time()
        act(text)
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=20)[18]


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(count: int, folder: Path) -> list[tuple[str, str, str, bool]]:
    """Build, then ask: (what, measured, target, whether it is met)."""
    writer = WhooshIndex(folder)
    made = list(documents(count))
    before = resident_mb()
    began, worked, helped = time.perf_counter(), time.process_time(), _children_seconds()
    writer.rebuild(iter(made))
    elapsed = count / (time.perf_counter() - began)
    # With a core for each, the busier of the two processes says how long it takes.
    rate = count / max(time.process_time() - worked, _children_seconds() - helped)
    grown = resident_mb() - before
    del made, writer
    index = WhooshIndex(folder)
    texts = asked(ROUNDS)
    index.search(Query(text=texts[0]))
    figures: list[tuple[str, str, str, bool]] = [
        ("Articles indexed a second of the busier of two processes", f"{rate:,.0f}", "≥ 250", rate >= 250),
        ("Articles indexed a second by the clock, the machine being as busy as it was", f"{elapsed:,.0f}", "", True),
        ("Memory more than before, right after it, MB", f"{grown:.0f}", "≤ 256", grown <= 256),
    ]
    for name, act, p50, p95 in (
        ("A search with snippets, top 10", lambda text: index.search(Query(text=text, prefer_language="en")), 30, 85),
        ("A search while typing", lambda text: index.search(Query(text=text[:-2], prefix_last=True, limit=5)), 30, 85),
        ("Suggestions", lambda text: index.suggest(text, visibilities=EVERYBODY), 8, 25),
    ):
        middle, most = measured(act, texts)
        figures.append((f"{name}, CPU ms p50", f"{middle:.1f}", f"≤ {p50}", middle <= p50))
        figures.append((f"{name}, CPU ms p95", f"{most:.1f}", f"≤ {p95}", most <= p95))
    figures.append(("Resident after all that, MB", f"{resident_mb():.0f}", "≤ 200", resident_mb() <= 200))
    return figures


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000)
    count = parser.parse_args().articles
    with tempfile.TemporaryDirectory(prefix="bench-search-") as folder:
        figures = run(count, Path(folder))
    text = "\n".join(
        [
            "# Speed of search", "",
            f"`python -m bench.search` wrote this on {datetime.now(UTC):%-d %B %Y}: {count:,} articles of about 460 words in "
            f"three languages, the embedded index, {os.cpu_count()} cores, {os.getloadavg()[0]:.1f} processes were running on "
            "average in the last minute.", "",
            "| | | target | |", "| --- | ---: | ---: | --- |",
            *(f"| {name} | {value} | {target} | {'' if not target else 'met' if met else '**missed**'} |" for name, value, target, met in figures), "",
        ]
    )  # fmt: skip
    sys.stdout.write(text)
    if count >= 10_000:
        (Path(__file__).parent / "SEARCH.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
