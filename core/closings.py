"""How letters end: closing phrase, name and titles, what telephones append, legal notices."""

import re

from core.quote_words import CLOSINGS, DISCLAIMER_WORDS, MAIL_WORDS, NAME_PARTICLES, SENT_FROM

#: A line that divides what stands above it from what stands below.
RULE = re.compile(r"[_*=\-\u2500\u2014 ]{5,}")


def stripped(lines: list[str]) -> list[str]:
    """Without blank lines at both ends, and without rules at the end."""
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and (not lines[end - 1].strip() or RULE.fullmatch(lines[end - 1].strip())):
        end -= 1
    return lines[start:end]


def is_sent_from(line: str) -> bool:
    """Whether a line is what telephones and programs append: "Sent from my …"."""
    low = line.strip().lower()
    words = [word for word in low.split() if "/" not in word]
    return len(words) <= 8 and low.startswith(SENT_FROM) and "," not in low and not low.endswith(("?", "!"))


def without_notice(lines: list[str]) -> list[str]:
    """Without a last paragraph that speaks of confidentiality, as organisations append it."""
    start = len(lines)
    while start > 0 and lines[start - 1].strip():
        start -= 1
    paragraph = " ".join(lines[start:]).lower()
    about_mail = any(word in paragraph for word in MAIL_WORDS)
    if start > 0 and len(paragraph) > 100 and about_mail and any(word in paragraph for word in DISCLAIMER_WORDS):
        return stripped(lines[:start])
    return lines


def without_closing(lines: list[str]) -> list[str]:
    """Without "Best regards," and the few short lines below, if the first of them looks like a name."""
    for place in range(len(lines) - 2, max(0, len(lines) - 12), -1):
        if lines[place].strip().lower().strip(",.! -—–") in CLOSINGS:
            below = [line.strip() for line in lines[place + 1 :] if line.strip()]
            return stripped(lines[:place]) if below and is_name(below[0]) and _are_titles(below[1:]) else lines
    return lines


def is_name(line: str) -> bool:
    """Whether a line may be the name of a person: few words, each with a capital but for particles."""
    words = [word.strip("\"'.,()*_") for word in line.split()]
    return (
        len(line) <= 60
        and len(words) <= 6
        and all(word[:1].isalpha() and (not word[0].islower() or word in NAME_PARTICLES) for word in words if word)
    )


def _are_titles(lines: list[str]) -> bool:
    """Whether lines below a name are short and no sentences: job, organisation, telephone, address."""
    sentence = (".", "!", "?", "…", "。", "！", "？", ":")
    postscript = ("ps", "p.s", "p.d", "pd:", "nb", "n.b")
    return len(lines) <= 8 and not any(
        len(line) > 80 or line.endswith(sentence) or line.lower().startswith(postscript) for line in lines
    )
