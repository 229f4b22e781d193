"""What may belong to the asker in a text that is to be published: found, so that a person can take it out.

It finds what is known of the people and the organisation of a ticket, and what looks like an address, a number or a
key. It cannot know everything: a person reads the text before it is published.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.i18n import lazy as _l
from core.quote_words import NAME_PARTICLES
from core.words import EVERY_STOP_WORD, fold

KINDS = {
    "name": _l("name"),
    "organisation": _l("organisation"),
    "e-mail": _l("e-mail address"),
    "phone": _l("phone number"),
    "link": _l("link"),
    "address": _l("address"),
    "key": _l("key or password"),
    "prefix": _l("OCID prefix"),
    "country": _l("country"),
}
LEAST_LETTERS = 3
LONGEST_TEXT = 200_000

# The prefix that the documentation of the standard uses in its examples belongs to nobody.
EXAMPLE_PREFIX = "ocds-213czf"

_MAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_LINK = re.compile(r"https?://[^\s<>()\"'`\]]{3,2000}")
_HOST = re.compile(r"(?<![\w.@-])[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![\w-])")
_PHONE = re.compile(
    r"(?<![\w.,/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{2,5}(?:[ .-]\d{1,5}){1,6}(?![\w-])"
    r"|(?<![\w.])\+\d{8,15}(?!\w)"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}\s*[-–]\s*\d{4}")
_STREET = re.compile(
    r"\b(?:Calle|Avenida|Av\.|Carrera|Cra\.|Jirón|Rue|Boulevard|Plaza|Place|P\.? ?O\.? ?Box|B\.?P\.?|Apartado)\s+"
    r"[\w.'’ ]{0,40}?\s*(?:N[°º.]\s*|#\s*)?\d{1,6}\b"
    r"|\b\d{1,5}\s+(?:[A-Z][\w'’]{1,20}\s){1,3}(?:Street|Road|Avenue|Lane|Drive|Square|Close)\b"
)
_SECRET_WORD = re.compile(
    r"(?:token|key|sig|signature|auth|code|session|password|secret|access)[a-z_]{0,12}=", re.IGNORECASE
)
_KEY = re.compile(r"(?<![\w/.-])(?=\w{0,100}\d)(?=\w{0,100}[A-Za-z])[A-Za-z0-9_]{24,500}(?![\w-])")
_PREFIX = re.compile(r"\bocds-[a-z0-9]{6}\b", re.IGNORECASE)
# Hosts at which many different people have their mail.
_SHARED_HOSTS = frozenset(
    {"gmail.com", "googlemail.com", "yahoo.com", "yahoo.es", "yahoo.fr", "hotmail.com", "outlook.com", "live.com",
     "icloud.com", "proton.me", "protonmail.com", "gmx.net", "mail.ru", "yandex.ru"}
)  # fmt: skip
# Names that are words of everyday, too: written small they are no names.
_ORDINARY = """
    may will mark hope grace rose bill art rich sol luz paz mar rosa clara mercedes dolores blanca claire pierre
    blanche constant prudence angel cruz reyes leon flores rios campos santos
"""
_EVERYDAY = frozenset(_ORDINARY.split())
_INSIDE_CODE = frozenset("_/\\")


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
        return f"{self.kind}:{fold(self.text)}"


@dataclass(frozen=True)
class Known:
    """What is known of the people of a ticket. ``hosts`` are of their mail and their websites."""

    names: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()


def find(text: str, known: Known) -> list[Finding]:
    """Everything that was found, in its order, without overlaps; of two at one place the longer."""
    text = text[:LONGEST_TEXT]
    found = [*_addresses(text, known), *_numbers(text), *_words(text, known)]
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
    return kept


def replaced(text: str, known: Known, instead: Mapping[str, str]) -> str:
    """The text with found things replaced.

    :param instead: what to say instead, by `Finding.key`; what is not in it stays.
    """
    out, last = [], 0
    for finding in find(text, known):
        if finding.key in instead:
            out += [text[last : finding.start], instead[finding.key]]
            last = finding.end
    return "".join([*out, text[last:]])


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


def _addresses(text: str, known: Known) -> Iterable[Finding]:
    for match in _MAIL.finditer(text):
        yield Finding(match.start(), match.end(), "e-mail", match[0])
    for match in _LINK.finditer(text):
        address = match[0].rstrip(".,;:!?")
        if _tells_who(_netloc(address), known) or _SECRET_WORD.search(address) or _KEY.search(address):
            yield Finding(match.start(), match.start() + len(address), "link", address)
    for match in _HOST.finditer(text):
        if _tells_who(match[0], known):
            yield Finding(match.start(), match.end(), "link", match[0])
    for match in _STREET.finditer(text):
        yield Finding(match.start(), match.end(), "address", match[0])


def _numbers(text: str) -> Iterable[Finding]:
    for match in _PHONE.finditer(text):
        digits = sum(char.isdigit() for char in match[0])
        if 8 <= digits <= 15 and not _DATE.search(match[0]):
            yield Finding(match.start(), match.end(), "phone", match[0])
    for match in _KEY.finditer(text):
        if sum(char.isdigit() for char in match[0]) >= 4:
            yield Finding(match.start(), match.end(), "key", match[0])
    for match in _PREFIX.finditer(text):
        if match[0].lower() != EXAMPLE_PREFIX:
            yield Finding(match.start(), match.end(), "prefix", match[0])


def _words(text: str, known: Known) -> list[Finding]:
    folded, places = _folded(text)
    found: list[Finding] = []

    def look(kind: str, parts: Iterable[str], fits: Callable[[str, str], bool]) -> None:
        for part in parts:
            needle = fold(part)
            if not needle:
                continue
            for match in re.finditer(rf"(?<!\w){re.escape(needle)}(?!\w)", folded):
                begin, end = places[match.start()], places[match.end() - 1] + 1
                if fits(part, text[begin:end]) and text[begin - 1 : begin] not in _INSIDE_CODE - {""}:
                    found.append(Finding(begin, end, kind, text[begin:end]))

    look("organisation", _organisation_parts(known.organisations), _is_written_so)
    look("name", _name_parts(known.names), _is_no_ordinary_word)
    look("country", known.countries, _is_no_ordinary_word)
    return found


def _is_written_so(part: str, text: str) -> bool:
    """An abbreviation is only one in capitals: “uno” is no “UNO”."""
    return text.isupper() if part.isupper() else True


def _is_no_ordinary_word(part: str, text: str) -> bool:
    """A name that is also a word of everyday is a name only with a capital."""
    return not text.islower() or (fold(part) not in EVERY_STOP_WORD and fold(part) not in _EVERYDAY)


def _name_parts(names: Iterable[str]) -> list[str]:
    parts: dict[str, None] = {}
    for name in names:
        words = [word.strip(".,;()") for word in name.replace("-", " ").split()]
        parts |= dict.fromkeys(
            [name, *(word for word in words if len(word) >= LEAST_LETTERS and word.lower() not in NAME_PARTICLES)]
        )
    return sorted(parts, key=len, reverse=True)


def _organisation_parts(organisations: Iterable[str]) -> list[str]:
    parts: dict[str, None] = {}
    for name in organisations:
        plain = re.sub(r"\s*\([^)]*\)", "", name).strip()
        parts |= dict.fromkeys([name, plain, plain.partition(",")[0].strip()])
        words = re.findall(r"[^\W\d_]+", name)
        parts |= dict.fromkeys(word for word in words if word.isupper() and len(word) >= 2)
        capitals = "".join(word[0] for word in words if word[0].isupper() and not (word.isupper() and len(word) > 1))
        if len(capitals) >= LEAST_LETTERS:
            parts[capitals] = None
    return sorted((part for part in parts if len(part) >= 2), key=len, reverse=True)


def _tells_who(host: str, known: Known) -> bool:
    host = host.lower().removeprefix("www.")
    return any(host == own or host.endswith(f".{own}") for own in known.hosts if own)


def _netloc(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without accents and capitals, and for each of its characters its place in the text as it was."""
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain = char.lower() if char.isascii() else fold(char) or " "
        letters.append(plain)
        places += [place] * len(plain)
    return "".join(letters), places
