"""What may belong to the asker in a text that is to be published: found, so that a person can take it out.

It finds what is known of the people and the organisation of a ticket, and what looks like an address, a number or a
key. It cannot know everything: a person reads the text before it is published.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlsplit

from core.i18n import lazy as _l
from core.words import fold
from helpdesk import redaction_names as names
from helpdesk import redaction_patterns as patterns
from helpdesk.redaction_names import Known

KINDS = {
    "name": _l("name"),
    "organisation": _l("organisation"),
    "e-mail": _l("e-mail address"),
    "phone": _l("phone number"),
    "link": _l("link"),
    "address": _l("address"),
    "key": _l("key or password"),
    "person-id": _l("number of a person or firm"),
    "prefix": _l("OCID prefix"),
    "country": _l("country"),
    "ocid": _l("OCID"),
    "amount": _l("amount of money"),
    "number": _l("number of a contract or file"),
    "body": _l("public body"),
    "host": _l("network address"),
}
# What tells who asked only together with other things: shown, and left as it is unless somebody says otherwise.
MAYBE = frozenset({"ocid", "amount", "number", "body", "host"})
# What may look like another thing when seen without the words around it.
_WEAK = frozenset({"prefix", "phone", "key"})
LONGEST_TEXT = 200_000
# Words that begin with an article of their own take the place of the one before them.
_ARTICLE = re.compile(r"(?:an?|une?|una|um|uma) ", re.IGNORECASE)
_ARTICLE_BEFORE = re.compile(r"\b(?:(?:the|el|la|los|las|le|les|del|al|du|au|o|os|as|do|da) |l['’])$", re.IGNORECASE)
_JOINED = {"del": "de ", "al": "a ", "du": "d’", "au": "à ", "do": "de ", "da": "de "}
LEAST_DIGITS, MOST_DIGITS = 8, 15

# The prefix that the documentation of the standard uses in its examples belongs to nobody.
EXAMPLE_PREFIX = "ocds-213czf"

# Hosts at which many different people have their mail.
_SHARED_HOSTS = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "yahoo.es", "yahoo.fr", "hotmail.com", "outlook.com", "live.com",
     "icloud.com", "proton.me", "protonmail.com", "gmx.net", "mail.ru", "yandex.ru", "hotmail.fr", "hotmail.es",
     "outlook.es", "outlook.fr", "yahoo.com.br", "uol.com.br", "orange.fr", "gmx.de", "aol.com", "msn.com"}
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something that may belong to somebody: where it stands in the text, and what kind of thing it is."""

    start: int
    end: int
    kind: str
    text: str

    @property
    def key(self) -> str:
        """The same for the same thing, however it is written."""
        return f"{self.kind}:{' '.join(fold(self.text).split())}"

    @property
    def is_maybe(self) -> bool:
        """Whether it tells who asked only together with other things."""
        return self.kind in MAYBE


def find(text: str, known: Known) -> list[Finding]:
    """Everything that was found, in its order, without overlaps.

    What overlaps becomes one, so that no end of it is left over. What only may tell who asked gives way to what does.
    """
    text = text[:LONGEST_TEXT]
    sure: list[Finding] = []
    for finding in sorted([*_addresses(text, known), *_numbers(text), *_words(text, known)], key=_place):
        if not sure or finding.start >= sure[-1].end:
            sure.append(finding)
        elif finding.end > sure[-1].end:
            first = sure[-1]
            sure[-1] = Finding(first.start, finding.end, first.kind, text[first.start : finding.end])
    taken = [False] * (len(text) + 1)
    for finding in sure:
        taken[finding.start : finding.end] = [True] * (finding.end - finding.start)
    for finding in sorted(_perhaps(text), key=lambda one: one.start - one.end):
        if any(taken[finding.start : finding.end]):
            inside = [one for one in sure if one.start < finding.end and one.end > finding.start]
            whole = all(finding.start <= one.start and one.end <= finding.end for one in inside)
            if not inside or not whole or any(one.kind not in _WEAK for one in inside):
                continue
            sure = [one for one in sure if one not in inside]
        sure.append(finding)
        taken[finding.start : finding.end] = [True] * (finding.end - finding.start)
    return sorted(sure, key=_place)


def replaced(text: str, known: Known, instead: Mapping[str, str]) -> str:
    """The text with found things replaced.

    :param instead: what to say instead, by `Finding.key`; what is not in it stays.
    """
    out, last = "", 0
    for finding in find(text, known):
        if finding.key in instead:
            said = instead[finding.key]
            out += text[last : finding.start]
            if _ARTICLE.match(said):
                out = _joined(out)
            out, last = out + said, finding.end
    return out + text[last:]


def _joined(before: str) -> str:
    """What stands before words with an article of their own: “of the Office” becomes “of an office”."""
    found = _ARTICLE_BEFORE.search(before[-8:])
    if found is None:
        return before
    kept = before[: len(before) - len(found[0])]
    if found[0][0] in "lL" and found[0][-1] in "'’" and kept.endswith(("de ", "que ")):
        # “de l’Office” becomes “d’un organisme”.
        return f"{kept[:-2]}’"
    return kept + _JOINED.get(found[0].strip().lower(), "")


def in_pieces(text: str, known: Known) -> list[tuple[str, Finding | None]]:
    """The text in pieces, each with what was found in it."""
    pieces: list[tuple[str, Finding | None]] = []
    last = 0
    for finding in find(text, known):
        pieces += [(text[last : finding.start], None), (finding.text, finding)]
        last = finding.end
    return [*pieces, (text[last:], None)]


def host_of(address: str) -> str:
    """The host of a mail address or a website that tells who somebody is; "" for one that many share."""
    host = address.rpartition("@")[2] if "@" in address else _netloc(address)
    host = host.lower().removeprefix("www.")
    return "" if host in _SHARED_HOSTS else host


def _place(finding: Finding) -> tuple[int, int]:
    return finding.start, -finding.end


def _addresses(text: str, known: Known) -> Iterable[Finding]:
    for pattern in (patterns.MAIL, patterns.HIDDEN_MAIL, patterns.SPELLED_MAIL):
        for match in pattern.finditer(text):
            yield Finding(match.start(), match.end(), "e-mail", match[0])
    for match in patterns.LINK.finditer(text):
        address = match[0].rstrip(".,;:!?")
        if _tells_who(_netloc(address), known) or _opens(address):
            yield Finding(match.start(), match.start() + len(address), "link", address)
    for match in patterns.OWN_PAGE.finditer(text):
        yield Finding(match.start(), match.end(), "link", match[0])
    for match in patterns.HOST.finditer(text):
        if _tells_who(match[0], known):
            yield Finding(match.start(), match.end(), "link", match[0])
    for pattern in (patterns.STREET, patterns.PLACE_CODE):
        for match in pattern.finditer(text):
            yield Finding(match.start(), match.end(), "address", match[0])


def _numbers(text: str) -> Iterable[Finding]:
    for match in patterns.PHONE.finditer(text):
        digits = sum(char.isdigit() for char in match[0])
        before = text[max(0, match.start() - 12) : match.start()]
        if match[0].isdigit() and patterns.OF_PAPER.search(before):
            continue
        is_other = patterns.DATE.fullmatch(match[0]) or patterns.IP.fullmatch(match[0])
        if LEAST_DIGITS <= digits <= MOST_DIGITS and not is_other:
            yield Finding(match.start(), match.end(), "phone", match[0])
    for kind, pattern in (
        ("phone", patterns.CALLED),
        ("person-id", patterns.PERSON_ID),
        ("key", patterns.SAID_SECRET),
    ):
        for match in pattern.finditer(text):
            if kind == "key" and not _looks_made(match[1]):
                continue
            yield Finding(match.start(1), match.end(1), kind, match[1])
            more = patterns.MORE_NUMBERS.match(text, match.end(1)) if kind == "phone" else None
            while more is not None:
                yield Finding(more.start(1), more.end(1), kind, more[1])
                more = patterns.MORE_NUMBERS.match(text, more.end(1))
    for kind, pattern in (("person-id", patterns.CPF), ("key", patterns.SIGNED)):
        for match in pattern.finditer(text):
            yield Finding(match.start(), match.end(), kind, match[0])
    for match in patterns.KEY.finditer(text):
        if sum(char.isdigit() for char in match[0]) >= 4:
            yield Finding(match.start(), match.end(), "key", match[0])
    for match in patterns.PREFIX.finditer(text):
        if match[0].lower() != EXAMPLE_PREFIX:
            yield Finding(match.start(), match.end(), "prefix", match[0])


def _words(text: str, known: Known) -> Iterable[Finding]:
    for kind, start, end in names.find(text, known):
        yield Finding(start, end, kind, text[start:end])


def _perhaps(text: str) -> Iterable[Finding]:
    for match in patterns.OCID.finditer(text):
        ocid = match[0].rstrip("./-")
        if not ocid.lower().startswith(EXAMPLE_PREFIX):
            yield Finding(match.start(), match.start() + len(ocid), "ocid", ocid)
    for kind, pattern in (("amount", patterns.AMOUNT), ("body", patterns.BODY), ("host", patterns.IP)):
        for match in pattern.finditer(text):
            found = match[0].rstrip(".,;: ")
            yield Finding(match.start(), match.start() + len(found), kind, found)
    for match in patterns.NUMBER.finditer(text):
        if not match[1].lower().startswith("ocds-"):
            yield Finding(match.start(1), match.end(1), "number", match[1])


def _looks_made(word: str) -> bool:
    """Whether what follows “password is” is one, and no word of a sentence."""
    return any(char.isdigit() for char in word) or not word.strip(".:!?)(").isalpha()


def _opens(address: str) -> bool:
    """Whether an address carries what opens something: a token, or a name and a password."""
    rest = address.partition("://")[2]
    return bool(
        patterns.SECRET_WORD.search(address) or patterns.KEY.search(address) or patterns.SIGNED.search(address)
        or patterns.OWN_PAGE.search(address) or any(map(_is_random, patterns.SHARED.findall(address)))
        or "@" in rest.partition("/")[0]
    )  # fmt: skip


def _is_random(part: str) -> bool:
    """Whether letters of both kinds and digits follow each other as chance has them, and not as in words and years."""
    kinds = ["0" if char.isdigit() else "a" if char.islower() else "A" for char in part if char.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds))
    return {"0", "a", "A"} <= set(kinds) and changes * 3 >= len(kinds)


def _tells_who(host: str, known: Known) -> bool:
    host = host.lower().removeprefix("www.")
    return any(host == own or host.endswith(f".{own}") for own in known.hosts if own)


def _netloc(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
