"""The new text of a reply: what its writer typed, without the quoted mail below and without the signature.

Everything works line by line with patterns that take linear time. When in doubt the text stays: a quotation too many
costs the reader a glance, a sentence lost costs the sender an answer.
"""

import re

from core.closings import RULE, is_name, is_sent_from, stripped, without_closing, without_notice
from core.forward_words import FORWARD_PREFIXES, FORWARDED
from core.header_words import FIELD_OF
from core.quote_words import (
    ATTRIBUTION_LEADS,
    ATTRIBUTION_VERBS,
    DATE_WORDS,
    INLINE_HINTS,
    LIST_WORDS,
    ORIGINAL,
    REPLY_ABOVE,
)
from core.shown_dates import month_of

_MAX_TEXT = 1_000_000
_LONGEST_ATTRIBUTION = 400
_DATE = re.compile(r"\b(?:19|20)\d\d\b|\d{4}年|\b\d{1,2}[./-]\d{1,2}[./-]\d{2}\b")
_DATE_FIRST = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}\b")
_DIGIT = re.compile(r"\d")
_COLONS = (":", "：", "፦")
#: Marks of direction and invisible blanks that programs put around names.
_UNSEEN = dict.fromkeys([0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
#: An attribution that may stand behind the last words of the answer, on their line.
_BEHIND = re.compile(
    r"On (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? )?(?:[A-Z][a-z]{2,8} \d|\d)[^\n]{5,200}wrote:$"
)
_WORD = re.compile(r"[^\W\d_]+")
_VERBS = " ".join(ATTRIBUTION_VERBS)
_LETTER = re.compile(r"[^\W\d_]")
_CLOCK = re.compile(r"\b\d{1,2}[:.h]\d{2}\b|\d{1,2}:\d{2}")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.\w")
_ENDS_IN_ADDRESS = re.compile(r"[<(\[][^<>()\[\]\s@]{1,64}@[^<>()\[\]\s@]{1,190}[>)\]]{1,2} {0,2}[:：]$")
_LABEL = re.compile(r"[*_ \t]{0,6}([^\W\d_][^:：\n*]{0,24}?)[*_ \t]{0,3}[:：][*_]{0,3}(?:\s|$)")
#: Mailing lists append their own lines below such a rule.
_FOOTER = re.compile(r"_{20,}|-{20,}|={20,}")
_SIGNATURE = "-- "


def reply_text(text: str, subject: str = "") -> str:
    """The part of ``text`` that is new.

    All of it if that would be nothing, if answers stand between quotations, or if the mail passes another one on
    (by ``subject`` or by a mark in the text).
    """
    whole = text.strip()
    if len(text) > _MAX_TEXT:
        return whole
    lines = [line if line == _SIGNATURE else line.rstrip() for line in text.replace("\u00a0", " ").split("\n")]
    if _is_forward(subject):
        return whole
    lines = _with_attributions_alone(lines)
    kept = _new_lines(lines)
    result = "\n".join(_without_signature(kept)).strip()
    return result or "\n".join(kept).strip() or whole


def _with_attributions_alone(lines: list[str]) -> list[str]:
    """With "On … wrote:" on a line of its own where it shares one with the answer and marked lines follow."""
    out: list[str] = []
    for place, line in enumerate(lines):
        behind = line.rfind("On ", 1, 1_000) if line.endswith("wrote:") else -1
        if (
            behind > 0
            and line[behind - 1] in " -"
            and _BEHIND.match(line, behind)
            and _next_is_quoted(lines, place + 1)
        ):
            if line[:behind].strip(" ->|"):
                out.append(line[:behind].rstrip(" -"))
            out.append(line[behind:])
            continue
        out.append(line)
    return out


def _is_forward(subject: str) -> bool:
    prefix, colon, _ = subject.strip().lower().partition(":")
    return bool(colon) and prefix.strip(" []") in FORWARD_PREFIXES


def _new_lines(lines: list[str]) -> list[str]:
    """The lines without the quotation, with the signature still there."""
    cut = _first_header(lines)
    if cut is None:
        return _without_marked(lines)
    start, after, marked = cut
    if not marked:
        above = "\n".join(lines[:start]).strip()
        if not above or (len(above) < 600 and any(hint in above.lower() for hint in INLINE_HINTS)):
            return lines
        return _without_marked(lines[:start])
    below = _after_quotation(lines, after)
    above_lines = [line for line in lines[:start] if line.strip()]
    if any(not _is_quoted(line) for line in above_lines):
        # New text above the quotation: what stands between its lines makes it an inline reply.
        if not _has_text(below):
            return _without_marked(lines[:start])
        return lines if _interleaved(below) or _interleaved(above_lines) else [*stripped(lines[:start]), "", *below]
    return below if _has_text(below) and not _interleaved(below) else lines


def _without_marked(lines: list[str]) -> list[str]:
    """Without one run of ``>`` lines at the top or at the end; lines with runs in between stay as they are."""
    quoted = [place for place, line in enumerate(lines) if _is_quoted(line)]
    if not quoted:
        return lines
    first, last = quoted[0], quoted[-1]
    above, below = lines[:first], lines[last + 1 :]
    inside_is_new = any(line.strip() and not _is_quoted(line) for line in lines[first:last])
    if inside_is_new or (_has_text(above) and _has_text(below)):
        return lines
    return above if _has_text(above) else below if _has_text(below) else lines


def _has_text(lines: list[str]) -> bool:
    """Whether anything but blanks, rules and a signature stands in these lines."""
    rest = _without_signature(lines, at_top=True)
    footer = next((place for place, line in enumerate(rest) if line.strip()), 0)
    if len(rest) - footer <= 8 and rest[footer : footer + 1] and _FOOTER.fullmatch(rest[footer].strip()):
        return False
    return any(line.strip() and not RULE.fullmatch(line.strip()) for line in rest)


def _interleaved(lines: list[str]) -> bool:
    return any(_is_quoted(line) for line in lines)


def _is_quoted(line: str) -> bool:
    return line.lstrip(" ").startswith((">", "|>"))


def _after_quotation(lines: list[str], start: int) -> list[str]:
    """What follows the run of ``>`` lines that begins at ``start``; blank lines belong to the run."""
    place = start
    while place < len(lines) and (not lines[place].strip() or _is_quoted(lines[place])):
        place += 1
    return lines[place:]


def _first_header(lines: list[str]) -> tuple[int, int, bool] | None:
    """Where a quotation begins: the line of its header, the line after, whether ``>`` marks it.

    None if there is none or if the first one belongs to a mail that is passed on.
    """
    for place, line in enumerate(lines):
        stripped = line.strip()
        if (
            stripped.startswith(">>> ")
            and stripped.endswith(">>>")
            and _ADDRESS.search(stripped)
            and _CLOCK.search(line)
        ):
            return place, place + 1, False
        if not stripped or _is_quoted(line):
            continue
        if len(stripped) < 120 and any(phrase in stripped.lower() for phrase in REPLY_ABOVE):
            return place, place + 1, False
        words = stripped.strip("-_=*—–‐‑‒ :[]<>|").lower()
        if words in FORWARDED or (len(words) < 80 and words.startswith(tuple(FORWARDED))):
            return None
        if words in ORIGINAL and stripped[0] in "-_=*—–‐‑‒[<" and len(stripped) < 100:
            return _with_rule_above(lines, place), place + 1, _next_is_quoted(lines, place + 1)
        if _is_header_block(lines, place):
            return _with_rule_above(lines, place), place + 1, False
        length = attribution_length(lines, place)
        if length:
            return place, place + length, _next_is_quoted(lines, place + length)
    return None


def _with_rule_above(lines: list[str], place: int) -> int:
    above = place - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and RULE.fullmatch(lines[above].strip()) else place


def _next_is_quoted(lines: list[str], place: int) -> bool:
    following = next((line for line in lines[place : place + 4] if line.strip()), "")
    return _is_quoted(following)


def _is_header_block(lines: list[str], place: int) -> bool:
    """Whether ``From:`` (in some language) and two more fields of a mail header stand here, as Outlook writes them."""
    first = _field(lines[place])
    if not first:
        return False
    seen = {first} | {field for line in lines[place + 1 : place + 9] if (field := _field(line))}
    if first == "from":
        return len(seen) >= 3
    # Programs that begin with another field give all the usual ones.
    return first in {"date", "subject"} and {"from", "to", "subject", "date"} <= seen


def _field(line: str) -> str:
    """The field of a mail header that a line shows, "" if none."""
    match = _LABEL.match(line.strip()[:60])
    return FIELD_OF.get(match[1].strip().lower(), "") if match else ""


def attribution_length(lines: list[str], place: int) -> int:
    """How many lines from ``place`` make "On … wrote:" in some language; 0 if they do not."""
    joined = ""
    if place >= len(lines) or lines[place].lstrip().startswith("<"):
        return 0
    for length in range(1, 5):
        if place + length > len(lines):
            return 0
        line = lines[place + length - 1].strip()
        split_address = joined.endswith("<")
        if not line or (length > 1 and _is_quoted(line)):
            return 0
        joined = f"{joined}{'' if split_address else ' '}{line}".strip()
        if len(joined) > _LONGEST_ATTRIBUTION:
            return 0
        said = joined.strip("-_ ").translate(_UNSEEN)
        if said.endswith(_COLONS) or (said != joined and said.endswith(" wrote")):
            quoted = _next_is_quoted(lines, place + length)
            if length == 1 or (_leads(lines[place]) and not _begins_later(lines, place, length, leading=True)):
                return length if _is_attribution(said, quoted_below=quoted) else 0
            strictly = _is_attribution(said, quoted_below=quoted, strictly=True)
            return length if strictly and (_is_opening(lines[place]) or not _begins_later(lines, place, length)) else 0
        if length == 1 and _is_old_gmail(said, lines, place):
            return 1
        if length == 1 and not _leads(line) and not _may_begin(lines, place):
            return 0
    return 0


def _begins_later(lines: list[str], place: int, length: int, *, leading: bool = False) -> bool:
    """Whether the attribution that ends here begins in a line below ``place``, one that leads if ``leading``."""
    return any(
        (not leading or _leads(lines[later])) and attribution_length(lines, later)
        for later in range(place + 1, place + length)
    )


def _is_opening(line: str) -> bool:
    """Whether a line is what an attribution begins with: name and address of its writer, or nothing but a date."""
    name, bracket, _ = line.strip().partition("<")
    return (bool(bracket) and "@" in line and is_name(name.strip())) or not _LETTER.search(line)


def _is_old_gmail(said: str, lines: list[str], place: int) -> bool:
    """Whether a line of date, name and address without a colon stands above marked lines."""
    return (
        said[:1].isdigit()
        and said.endswith(">")
        and bool(_DATE_FIRST.match(said) and _ADDRESS.search(said))
        and _next_is_quoted(lines, place + 1)
    )


def _may_begin(lines: list[str], place: int) -> bool:
    """Whether an attribution that begins with the name of its writer may start here and go on in the next line."""
    line = lines[place].strip()
    return (place == 0 or not lines[place - 1].strip()) and ("@" in line or bool(_DIGIT.search(line)))


def _leads(line: str) -> bool:
    """Whether an attribution that goes on in the next line may begin so: a small word or a weekday, then a date."""
    words = line.split(maxsplit=3)
    if not words or not _DIGIT.search(line):
        return False
    first = words[0].strip("(\"'").lower()
    return (
        first[:1].isdigit()
        or first in ATTRIBUTION_LEADS
        or (len(words) > 1 and len(first) < 15 and words[1][0].isdigit())
    )


def _is_attribution(joined: str, *, quoted_below: bool, strictly: bool = False) -> bool:
    """Whether a line that ends in a colon says who wrote; without marks on the lines below it must say when, too.

    ``strictly`` asks for the moment and for the writer's address or the verb: the line begins like any other.
    """
    low = f" {joined.lower()}"
    verb = any(each in low for each in ATTRIBUTION_VERBS)
    addressed, clock = bool(_ADDRESS.search(joined)), bool(_CLOCK.search(joined))
    dated = clock or bool(_DATE.search(joined))
    if strictly:
        return dated and ((verb and clock) or (addressed and quoted_below) or (addressed and clock and verb))
    if quoted_below:
        return verb or (dated and addressed)
    if addressed:
        return (verb and dated) or (clock and bool(_ENDS_IN_ADDRESS.search(joined)))
    return verb and clock and _says_only_who_and_when(joined)


def _says_only_who_and_when(joined: str) -> bool:
    """Whether a line that says "wrote" has no words but those of a date and a name: else it is a sentence."""
    return not any(
        word.islower() and word not in ATTRIBUTION_LEADS | DATE_WORDS and word not in _VERBS and not month_of(word)
        for word in _WORD.findall(joined)
    )


def _without_signature(lines: list[str], *, at_top: bool = False) -> list[str]:
    """Without "-- " and what follows, "Sent from my …", a closing phrase with name and title, a legal notice.

    With ``at_top`` a signature may be all there is.
    """
    lines = _without_list_footer(stripped(lines))
    for place in range(len(lines) - 1, -1 if at_top else 0, -1):
        if lines[place] in {_SIGNATURE, "--"} and _below_is_signature(lines[place], lines[place + 1 :]):
            lines = stripped(lines[:place])
            break
    lines = without_notice(lines)
    while lines and is_sent_from(lines[-1]) and (len(lines) > 1 or at_top):
        lines = stripped(lines[:-1])
    return without_closing(_without_dashed_name(lines))


def _without_list_footer(lines: list[str]) -> list[str]:
    """Without what a mailing list appends: a long rule, and below it a few lines with its address."""
    for place in range(len(lines) - 2, max(0, len(lines) - 10), -1):
        if _FOOTER.fullmatch(lines[place].strip()):
            below = " ".join(lines[place + 1 :]).lower()
            return stripped(lines[:place]) if any(word in below for word in LIST_WORDS) else lines
    return lines


def _without_dashed_name(lines: list[str]) -> list[str]:
    """Without a last line like "-Ana Díaz" in a paragraph of its own, where no list stands above it."""
    if len(lines) < 3 or lines[-2].strip() or not re.match(r"[-–—]{1,2} ?[^\W\d_]", lines[-1]):
        return lines
    name = lines[-1].lstrip("-–— ")
    listed = any(line.lstrip().startswith(("-", "–", "—", "*")) for line in lines[:-1])
    return stripped(lines[:-1]) if not listed and len(name.split()) <= 4 and is_name(name) else lines


def _below_is_signature(mark: str, below: list[str]) -> bool:
    """Whether a signature follows the mark; where its blank was lost on the way, only a few short lines are one."""
    if _interleaved(below) or len(below) > 25:
        return False
    return mark == _SIGNATURE or (len(below) <= 12 and all(len(line) <= 100 for line in below))
