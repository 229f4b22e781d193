"""The mail inside a mail that somebody passed on: who wrote it, when, and what, as the common programs show it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.forward_words import DOUBTFUL_FORWARD_PREFIXES, END_OF_FORWARDED, FORWARD_PREFIXES, FORWARDED
from core.header_words import FIELD_OF
from core.mime import ParsedMail, Part, Unparsable
from core.mime_child import parse_in_child
from core.mime_headers import addresses, clean
from core.quotes import attribution_length
from core.shown_dates import shown_date

_MOST_TEXT = 400_000
#: Lines that look like a field and may begin a header: there is no sense in trying thousands.
_MOST_TRIES = 300
_LABEL = re.compile(r"[*_\s]{0,6}([^\W\d_][^:：*\n]{0,30}?)[*_\s]{0,4}[:：][*_]{0,3}(?=\s|\S)")
_COLON = re.compile(r"[:：]")
_LONGEST_NAME = max(map(len, FIELD_OF))
_BRACKETED = re.compile(r"[<(\[]\s{0,2}(?:mailto:)?([^<>()\[\]\s@]{1,64}@[^<>()\[\]\s@]{1,190})[>)\]]", re.IGNORECASE)
_BARE = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_MAILTO = re.compile(r"<mailto:[^<>\s]{1,300}>|\[mailto:[^\[\]\s]{1,300}\]|\(mailto:[^()\s]{1,300}\)", re.IGNORECASE)
_QUOTED_NAME = re.compile(r"[\"«„“‟]\s?([^\"«»„”“]{1,100}?)\s?[\"»”“]")
_PREFIX = re.compile(r"\s{0,5}\[?\s{0,2}([^\W\d_][^:：\[\]]{0,20})[:：\]]")
_PREFIXES = FORWARD_PREFIXES | DOUBTFUL_FORWARD_PREFIXES | {"re", "aw", "sv", "res", "antw", "odp", "ynt", "回复"}
_DASHES = "-_=*–—─~"
#: What may stand between the date and the name in "On <date> <name> wrote".
_LEAD_WORDS = frozenset(
    {
        "heeft", "skrev", "schrieb", "пользователь", "používateľ", "uživatel", "időpontban", "użytkownik", "le",
        "utilisateur", "from", "by", "van", "von", "de",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Forwarded:
    """The mail that was passed on.

    ``email`` is "" where the program showed the name alone. ``date`` is in UTC, None if none can be made out (a date
    shown without its zone is taken for UTC). ``note`` is what was written above it. ``mail`` is the whole mail where
    it came as an attachment.
    """

    name: str
    email: str
    subject: str
    date: datetime | None
    text: str
    note: str
    mail: ParsedMail | None = None


def forwarded(parsed: ParsedMail) -> Forwarded | None:
    """What ``parsed`` passes on, as an attached mail or in its text; None if it passes nothing on.

    A text without any mark of forwarding counts only if its subject says so or if nothing stands above the header that
    it shows: answers quote mails in the same way. Takes linear time; an attached mail is read in the child.
    """
    prefixed = is_forward_subject(parsed.subject)
    return _attached(parsed, prefixed=prefixed) or _inline(parsed, prefixed=prefixed)


def carries_mail(parsed: ParsedMail) -> bool:
    """Whether a mail has another one as a file, which `forwarded` has read in the child: that may take a while."""
    return bool(_mails(parsed))


def is_forward_subject(subject: str) -> bool:
    """Whether a subject begins with a mark of forwarding (``Fwd:``, ``RV:``, ``WG:`` …)."""
    return any(prefix in FORWARD_PREFIXES for prefix in _prefixes(subject)[0])


def _prefixes(subject: str) -> tuple[list[str], str]:
    """The marks before the subject proper, and the subject proper."""
    found: list[str] = []
    while (match := _PREFIX.match(subject)) and len(found) < 10:
        word = match[1].strip().lower()
        if word not in FORWARD_PREFIXES | DOUBTFUL_FORWARD_PREFIXES | {
            "re",
            "aw",
            "sv",
            "res",
            "antw",
            "odp",
            "ynt",
            "回复",
        }:
            break
        found.append(word)
        subject = subject[match.end() :]
    return found, subject.strip(" ]")


def _mails(parsed: ParsedMail) -> list[Part]:
    mails = [part for part in parsed.attachments if part.content_type in {"message/rfc822", "message/global"}]
    return mails or [part for part in parsed.attachments if part.filename.lower().endswith(".eml")]


def _attached(parsed: ParsedMail, *, prefixed: bool) -> Forwarded | None:
    mails = _mails(parsed)
    if len(mails) != 1 or parsed.is_bounce or _inline_start(_lines(parsed.text), prefixed=False) is not None:
        return None
    try:
        inner = parse_in_child(mails[0].data)
    except Unparsable:
        return None
    if inner.from_ is None:
        return None
    same = _prefixes(inner.subject)[1].lower() == _prefixes(parsed.subject)[1].lower()
    if not prefixed and not same and len(parsed.reply_text) > 500:
        return None
    return Forwarded(
        name=inner.from_.name,
        email=inner.from_.email,
        subject=inner.subject,
        date=inner.date,
        text=inner.text,
        note=parsed.text.strip(),
        mail=inner,
    )


def _lines(text: str) -> list[str]:
    text = text[:_MOST_TEXT].replace("\ufeff", "").replace("\u00a0", " ").replace("\u202f", " ")
    return [line.rstrip() for line in text.split("\n")]


def _inline(parsed: ParsedMail, *, prefixed: bool) -> Forwarded | None:
    lines = _lines(parsed.text)
    start = _inline_start(lines, prefixed=prefixed, subject=parsed.subject)
    if start is None:
        return None
    place, after = start
    found = _block(lines, after)
    note = "\n".join(lines[:place]).strip()
    default = _prefixes(parsed.subject)[1]
    if found is not None and (found.name or found.email):
        body = lines[found.end :]
        text = _body(body, quoted=lines[found.start].lstrip().startswith(">"))
        month_first = bool(re.search(r"\b[AP]M\b", found.fields.get("date", "")))
        date = shown_date(found.fields.get("date", ""), month_first=month_first)
        return Forwarded(found.name, found.email, found.fields.get("subject", default), date, text, note)
    return _after_line(lines, place, after, note, default)


def _inline_start(lines: list[str], *, prefixed: bool, subject: str = "") -> tuple[int, int] | None:
    """The line where the mark begins and the line where the header of the mail passed on is to be looked for."""
    for place, line in enumerate(lines):
        if len(line) < 4_000 and _is_mark(line):
            return place, place if _after_mark(line) else place + 1
    tried = 0
    doubtful = any(each in DOUBTFUL_FORWARD_PREFIXES for each in _prefixes(subject)[0])
    for place, line in enumerate(lines):
        if tried < _MOST_TRIES and _field(line)[0]:
            tried += 1
            block = _block(lines, place)
            if block is None or len(block.fields) < 3 or "from" not in block.fields:
                continue
            above = place - 1
            while above >= 0 and not _plain(lines[above]).strip(_DASHES + " "):
                above -= 1
            begin = above + 1
            if above >= 0 and _is_original(lines[above]):
                begin = above
            if prefixed or doubtful or not "".join(lines[:begin]).strip():
                return begin, place
            return None
        if prefixed and (length := attribution_length(lines, place)):
            return place, place + length
    return None


def _is_mark(line: str) -> bool:
    plain = _plain(line)
    words = plain.strip(f"{_DASHES} :[]|#+").lower()
    if not words:
        return False
    dashed = plain[:1] in _DASHES and plain[:2].strip(_DASHES) == ""
    if dashed:
        return words.startswith(_MARKS)
    return words in FORWARDED and (plain.endswith((":", "：")) or plain.startswith("*"))


_MARKS = tuple(FORWARDED)


def _after_mark(line: str) -> bool:
    """Whether fields follow the mark on its own line."""
    rest = _plain(line).lstrip(_DASHES + " ")
    _, dashes, fields = rest.partition("--")
    return bool(dashes) and bool(_field(fields.lstrip(_DASHES + " "))[0])


def _is_original(line: str) -> bool:
    plain = _plain(line)
    return len(plain) < 100 and plain[:2].strip(_DASHES) == "" and plain[-2:].strip(_DASHES) == ""


def _plain(line: str) -> str:
    """Without quotation marks at its beginning."""
    return line.lstrip("> \t").rstrip()


def _field(line: str) -> tuple[str, str]:
    """The field that a line shows and its value; ("", "") if it shows none."""
    plain = _plain(line)
    match = _LABEL.match(plain[:80])
    if match is None:
        return "", ""
    name = FIELD_OF.get(" ".join(match[1].lower().split()), "")
    return (name, plain[match.end() :].strip().lstrip("*_ ").strip()) if name else ("", "")


@dataclass
class _Block:
    """The header that a text shows: fields, and the lines it takes."""

    start: int
    end: int
    fields: dict[str, str]

    @property
    def email(self) -> str:
        return _person(self.fields.get("from", ""))[1]

    @property
    def name(self) -> str:
        return _person(self.fields.get("from", ""))[0]


def _block(lines: list[str], place: int) -> _Block | None:
    """The header shown at ``place`` or up to four blank lines later."""
    start = place
    while start < len(lines) and start < place + 5 and not _plain(lines[start]).strip(_DASHES + " "):
        start += 1
    if start >= len(lines):
        return None
    glued = _glued(lines[start])
    if glued:
        return _Block(start, start + 1, glued)
    fields: dict[str, str] = {}
    last, position = "", start
    while position < len(lines) and position < start + 60:
        line = _plain(lines[position])
        name, value = _field(lines[position])
        if not line:
            # Some programs put a blank line between the fields.
            following = next((each for each in lines[position + 1 : position + 3] if _plain(each)), "")
            if fields and last != "subject" and _field(following)[0] and len(fields) < 4 and "from" not in fields:
                position += 1
                continue
            break
        if name:
            fields.setdefault(name, value)
            last = name
        elif not last or not _continues(last, fields[last], line, lines[position + 1 : position + 2]):
            break
        else:
            fields[last] = f"{fields[last]} {line}".strip()
        position += 1
    return _Block(start, position, fields) if "from" in fields and len(fields) >= 2 else None


def _glued(line: str) -> dict[str, str]:
    """Fields that stand on one line, one after the other: ``From: … To: … Sent: … Subject: …``."""
    plain = _plain(line)[:4_000]
    marks = list(_names(plain))
    found: dict[str, str] = {}
    for number, (field, _, value_at) in enumerate(marks):
        if field in found:
            continue
        more = field != "subject" and number + 1 < len(marks)
        end = marks[number + 1][1] if more else len(plain)
        found[field] = plain[value_at:end].strip()
        if field == "subject":
            break
    return found if len(found) >= 3 and "from" in found and ("@" in found["from"]) else {}


def _names(line: str) -> Iterator[tuple[str, int, int]]:
    """The names of fields in a line: field, where the name begins, where the value begins.

    A name stands after no letter, unless after a time zone in capitals, to which some programs glue it.
    """
    low = line.lower()
    for colon in _COLON.finditer(line):
        end = len(line[: colon.start()].rstrip())
        for length in range(min(end, _LONGEST_NAME), 0, -1):
            start = end - length
            field = FIELD_OF.get(low[start:end]) if length > 1 or low[start] == "à" else None
            before = line[start - 1 : start]
            glued = line[start : start + 1].isupper() and line[start - 3 : start].isupper() and start >= 3
            if field and (not before.isalpha() or glued):
                yield field, start, colon.end()
                break


def _continues(last: str, value: str, line: str, following: list[str]) -> bool:
    """Whether a line without a name of a field goes on with the field above it."""
    more = bool(following) and bool(_field(following[0])[0])
    if last in {"to", "cc", "from", "other"}:
        return more or (value.endswith((",", ";")) and "@" in line) or (not value) or line.startswith("<")
    return more or (not value and last != "subject")


def _person(value: str) -> tuple[str, str]:
    """Name and address from the value of a From field as programs show it."""
    bare = _MAILTO.sub("", value)
    value = clean(bare if "@" in bare else value).rstrip(";,. ")
    value = re.sub(r"\[([^\[\]\s@]{1,64}@[^\[\]\s@]{1,190})\]", r"<\1>", value)
    value = re.sub(r"<{2,}", "<", re.sub(r">{2,}", ">", value)).replace("<>", "")
    value = re.sub(r"<([^<>\s@]{1,64}@[^<>\s@]{1,190})<[^<>]{0,300}>", r"<\1>", value)
    bracketed = _BRACKETED.search(value) or _BARE.search(value)
    if bracketed is None:
        return value.strip("\"'* <>"), ""
    email = bracketed[1] if bracketed.re is _BRACKETED else bracketed[0]
    name = value[: bracketed.start()].strip().strip("\"'*« »„”“<").strip()
    if not name:
        found = addresses(value)
        name = found[0].name if found else ""
    return ("" if "@" in name else name), email


def _body(lines: list[str], *, quoted: bool) -> str:
    """The text of the mail passed on, without marks of quotation and indentation that the program added."""
    for place, line in enumerate(lines):
        words = _plain(line).strip(f"{_DASHES} ").lower()
        if words.startswith(END_OF_FORWARDED) and _plain(line)[:1] in _DASHES:
            lines = lines[:place]
            break
    if quoted or next((line for line in lines if line.strip()), "").startswith(">"):
        lines = [line.removeprefix(">").removeprefix(" ") if line.startswith(">") else line for line in lines]
    filled = [line for line in lines if line.strip()]
    if filled and all(line.startswith("    ") for line in filled):
        lines = [line[4:] for line in lines]
    while lines and (not lines[0].strip() or _is_mark(lines[0])):
        lines = lines[1:]
    return "\n".join(lines).rstrip()


def _after_line(lines: list[str], place: int, after: int, note: str, subject: str) -> Forwarded | None:
    """A mail passed on below one line that says who wrote it: "On … X <x@y> wrote:", "Forwarded message from X"."""
    candidates = [(" ".join(_plain(line) for line in lines[place:after]), after)]
    if after == place + 1:
        following = next((row for row in range(after, min(after + 4, len(lines))) if _plain(lines[row])), after)
        length = attribution_length([_plain(line) for line in lines[following : following + 5]], 0)
        if length:
            joined = " ".join(_plain(line) for line in lines[following : following + length])
            candidates.insert(0, (joined, following + length))
    for said, end in candidates:
        address = _BRACKETED.search(said) or _BARE.search(said)
        if address is None:
            continue
        email = address[1] if address.re is _BRACKETED else address[0]
        name = _name_in(said[: address.start()])
        rest = said[: address.start()] + " " + said[address.end() :]
        body = lines[end:]
        quoted = bool(body) and next((line for line in body if line.strip()), "").startswith(">")
        return Forwarded(name, email, subject, shown_date(rest), _body(body, quoted=quoted), note)
    return None


def _name_in(before: str) -> str:
    """The name that ends ``before``, the part of an attribution in front of the address."""
    quoted = _QUOTED_NAME.search(before)
    if quoted is not None:
        return quoted[1].strip()
    words = re.split(r".*(?:\d|\b[AP]\.?M\b|,|:)", before)[-1].replace("(", " ").split()
    lowered = before.lower().strip(f"{_DASHES} ")
    if lowered.startswith(_MARKS):
        mark = next(each for each in sorted(_MARKS, key=len, reverse=True) if lowered.startswith(each))
        words = before.strip(f"{_DASHES} ")[len(mark) :].split()
    return " ".join(word for word in words if word.lower() not in _LEAD_WORDS).strip("\"'.*<- ")
