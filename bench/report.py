"""What was measured, as a page."""

import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil

from bench.load import Sizes

TICKETS_A_SECOND, MAILS_A_SECOND, RECEIVE_MS, MEMORY_MB, START_SECONDS, STATEMENTS, GROWTH = (
    2000, 60, 300, 150, 3, 12, 1.2
)  # fmt: skip
SMALL_MAILS_A_SECOND = 250
# Pages that a larger database may not slow down.
GROWING = ("`/desk`", "A ticket on the desk", "`/search`, a common word", "`/search`, a rare word", "A new ticket by API",
           "A reply on the desk", "A reply by API")  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One thing that was timed, in ms."""

    name: str
    p50: float
    p95: float
    # Processor time of the server.
    work: float
    ratio: float
    work_ratio: float
    target: float | None
    failures: int
    count: int


@dataclass
class Result:
    """Everything that was measured."""

    sizes: Sizes
    database: str
    tickets_a_second: float = 0
    index_seconds: float = 0
    pages: list[Figure] = field(default_factory=list)
    larger_pages: list[Figure] = field(default_factory=list)
    more_tickets: int = 0
    more_tickets_a_second: float = 0
    memory_mb: float = 0
    shared_mb: float = 0
    start_seconds: float = 0
    start_seconds_empty: float = 0
    receive_ms: float = 0
    mails_a_second: float = 0
    mails_wrong: int = 0
    small_mails_a_second: float = 0
    statements: dict[str, int] = field(default_factory=dict)


def text(result: Result) -> str:
    """The page in Markdown; what misses its target is named at the end."""
    sizes = result.sizes
    missed: list[str] = []
    lines = [
        "# Speed and size", "",
        f"`make bench` wrote this on {datetime.now(UTC):%d %B %Y}. {_machine()}",
        f"Database: {'SQLite' if result.database == 'sqlite' else 'PostgreSQL'}, with {sizes.tickets:,} tickets of 3 messages, "
        f"{sizes.articles:,} articles of about 460 words, {sizes.answers:,} past answers and {sizes.champions:,} champions.",
        "gunicorn with 2 workers; an analyst is signed in (a stranger on `/`); one request at a time over a kept connection; answers "
        "are compressed as for a browser; every answer is looked at. Times are from asking to the last byte, in ms.",
        "“× empty” compares with an empty page by Flask, served in the same way in the same minutes: other machines will have "
        "other times, but not quite other ratios. “Computing” is the processor time of the server for one answer, which does not grow when "
        "other processes share the machine.",
        "", "## Pages", "", "| | p50 | p95 | × empty | target | | computing | × empty |", "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
    ]  # fmt: skip
    for figure in result.pages:
        met = figure.target is None or figure.p50 <= figure.target
        if not met:
            missed.append(f"{figure.name}: {figure.p50:.1f} ms, not {figure.target:g}")
        target = "" if figure.target is None else f"{figure.target:g}"
        lines.append(
            f"| {figure.name} | {figure.p50:.1f} | {figure.p95:.1f} | {figure.ratio:.1f} | {target} "
            f"| {'' if figure.target is None else _verdict(is_met=met)} | {figure.work:.1f} | {figure.work_ratio:.1f} |"
        )
    wrong = sum(figure.failures for figure in result.pages + result.larger_pages)
    count = sum(figure.count for figure in result.pages + result.larger_pages)
    lines += ["", f"{count:,} answers, {wrong} of them wrong."]
    if wrong:
        missed.append(
            f"{wrong} wrong answers: "
            + ", ".join(f"{figure.name} {figure.failures}" for figure in result.pages if figure.failures)
        )
    if result.larger_pages:
        lines += _larger(result, missed)
    lines += _rest(result, missed)
    lines += ["", "## What misses its target", "", *([f"* {sentence}" for sentence in missed] or ["Nothing."]), ""]
    return "\n".join(lines)


def _larger(result: Result, missed: list[str]) -> list[str]:
    lines = [
        "",
        f"## With {result.more_tickets:,} tickets",
        "",
        "| | p50 | × empty | computing | growth | target | |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for small, large in zip(result.pages, result.larger_pages, strict=True):
        if small.name not in GROWING:
            continue
        # By the time of computing: the machine may have been busier the second time.
        growth = large.work / small.work
        met = growth <= GROWTH
        if not met:
            missed.append(f"{large.name} with ten times the tickets: {growth:.2f} times as long, not {GROWTH:g}")
        lines.append(
            f"| {large.name} | {large.p50:.1f} | {large.ratio:.1f} | {large.work:.1f} | {growth:.2f} | {GROWTH:g} | {_verdict(is_met=met)} |"
        )
    return lines


def _rest(result: Result, missed: list[str]) -> list[str]:
    worst = max(result.statements.values(), default=0)
    rows = [
        ("Tickets loaded a second", result.tickets_a_second, f"≥ {TICKETS_A_SECOND:,}", result.tickets_a_second >= TICKETS_A_SECOND, "{:,.0f}"),
        ("Mails a second that the worker parses and puts into tickets", result.mails_a_second, f"≥ {MAILS_A_SECOND}",
         result.mails_a_second >= MAILS_A_SECOND and not result.mails_wrong, "{:.0f}"),
        ("Small mails a second, by two workers", result.small_mails_a_second, f"≥ {SMALL_MAILS_A_SECOND}",
         result.small_mails_a_second >= SMALL_MAILS_A_SECOND, "{:.0f}"),
        ("`mail receive`, the whole process, ms", result.receive_ms, f"≤ {RECEIVE_MS}", result.receive_ms <= RECEIVE_MS, "{:.0f}"),
        ("Largest web process, resident, MB", result.memory_mb, f"≤ {MEMORY_MB}", result.memory_mb <= MEMORY_MB, "{:.0f}"),
        ("All web processes together, memory that they share counted once, MB", result.shared_mb, "", True, "{:.0f}"),
        ("Start to first answer, s", result.start_seconds, f"≤ {START_SECONDS}", result.start_seconds <= START_SECONDS, "{:.1f}"),
        ("The same for the empty page, s", result.start_seconds_empty, "", True, "{:.1f}"),
        ("Most SQL statements on a page", worst, f"≤ {STATEMENTS}", worst <= STATEMENTS, "{:.0f}"),
        ("Search index built anew, s", result.index_seconds, "", True, "{:.1f}"),
    ]  # fmt: skip
    lines = ["", "## The rest", "", "| | | target | |", "| --- | ---: | ---: | --- |"]
    for name, value, target, met, form in rows:
        if not met:
            missed.append(f"{name}: {form.format(value)}, not {target}")
        lines.append(f"| {name} | {form.format(value)} | {target} | {_verdict(is_met=met) if target else ''} |")
    pages = ", ".join(f"`{path}` {count}" for path, count in result.statements.items())
    lines += ["", f"SQL statements by page: {pages}."]
    if broken := [path for path, count in result.statements.items() if count < 0]:
        missed.append(f"pages that did not open: {', '.join(broken)}")
    if result.mails_wrong:
        missed.append(f"{result.mails_wrong} mails that did not go where they belong")
    return lines


def _verdict(*, is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def _machine() -> str:
    cores = psutil.cpu_count(logical=True)
    memory = psutil.virtual_memory().total / 2**30
    busy = psutil.getloadavg()[0]
    return (
        f"Machine: {cores} cores ({platform.machine()}), {memory:.0f} GB of memory, Linux, Python {platform.python_version()}; "
        f"{busy:.1f} processes were running on average in the last minute."
    )
