"""What was measured, as text."""

import platform
from dataclasses import dataclass, field
from datetime import datetime

from evaluation.asking import Score
from helpdesk.measuring_models import SuggestionTrial

# What is to be reached, by the beginning of a name.
TARGETS = (("within", 0.75), ("es → en", 0.55), ("fr → en", 0.55), ("known", 0.55))


@dataclass
class Part:
    """One backend with or without meaning: the scores of its lists, and the solved tickets asked again."""

    backend: str
    how: str
    scores: list[Score] = field(default_factory=list)
    trial: SuggestionTrial | None = None


def text(parts: list[Part], at: datetime, *, with_docs: bool) -> str:
    """All of it in Markdown.

    :param with_docs: whether the documentation of the standard was there, or the demonstration alone.
    """
    corpus = "the demonstration and the documentation of the standard" if with_docs else "the demonstration alone"
    lines = [
        "# How well the search answers",
        "",
        (
            "Written by `make eval`. nDCG@10 of judged questions, asked of the application's own search function "
            "(`kb.finding.find`); CPU time is of one query with snippets and everything else that a page needs."
        ),
        "",
        f"{at:%d %B %Y}, Python {platform.python_version()}, over {corpus}.",
        "",
    ]
    columns = [f"{part.backend}, {part.how}" for part in parts]
    lines += [
        "| questions | asked | target | " + " | ".join(columns) + " |",
        "|---|--:|--:|" + "--:|" * len(columns),
    ]
    for place, first in enumerate(parts[0].scores):
        target = next((f"{value:.2f}" for name, value in TARGETS if first.name.startswith(name)), "")
        cells = [f"{part.scores[place].ndcg:.3f} ({part.scores[place].cpu_ms:.0f} ms)" for part in parts]
        lines.append(f"| {first.name} | {first.asked} | {target} | " + " | ".join(cells) + " |")
    lines.append("")
    if any(part.trial is not None for part in parts):
        lines += _trials(parts)
    for part in parts:
        lines += _worst(part)
    return "\n".join(lines).rstrip() + "\n"


def _trials(parts: list[Part]) -> list[str]:
    lines = [
        "## Suggestions, tried on solved tickets",
        "",
        (
            "Each solved ticket whose answer cited something is asked again without its own citations: among the "
            "first 1, 3 and 10 of the suggestions stands what was cited for …"
        ),
        "",
        "| backend | tickets | first | among 3 | among 10 |",
        "|---|--:|--:|--:|--:|",
    ]
    for part in parts:
        if part.trial is not None:
            row = part.trial
            lines.append(f"| {part.backend}, {part.how} | {row.asked} | {row.top1} | {row.top3} | {row.top10} |")
    return [*lines, ""]


def _worst(part: Part) -> list[str]:
    lines = [f"## What {part.backend} with {part.how} answers worst", ""]
    for score in part.scores:
        poor = [f"“{question}” {value:.2f}" for value, question in score.worst[:4] if value < 0.5]
        if poor:
            lines.append(f"* {score.name}: {'; '.join(poor)}")
    return [*lines, ""]
