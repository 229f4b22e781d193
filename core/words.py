"""Words as searches see them: cut from a text, folded, reduced to their stems in five languages."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from whoosh.lang.snowball.english import EnglishStemmer
from whoosh.lang.snowball.french import FrenchStemmer
from whoosh.lang.snowball.portugese import PortugueseStemmer
from whoosh.lang.snowball.russian import RussianStemmer
from whoosh.lang.snowball.spanish import SpanishStemmer

# The languages with stems of their own; every other one is searched by its words as they are written.
LANGUAGES = ("en", "es", "fr", "pt", "ru")
# Those of tickets, which are searched in all of them at once.
TICKET_LANGUAGES = ("en", "es", "fr")
OTHER = "xx"

LONGEST_WORD = 64
LONGEST_CODE = 100

# A run of letters and digits with single joiners inside: words, but also field paths, file names, addresses, OCIDs.
_CHUNK = re.compile(r"[^\W_]+(?:[-_./:@][^\W_]+)*")
_JOINER = re.compile(r"[-_./:@]")
_CAMEL = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-ZÀ-ÖØ-Þ])(?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ])")
_PLURAL_ACRONYM = re.compile(r"[A-Z]{2,}s")

# Function words that carry no meaning of their own, already folded. Shorter than the usual lists on purpose: “estado”
# is a state before it is a participle, and “no” is left out because it is a question in a helpdesk.
STOP_WORDS = {
    "en": frozenset(
        [
            "a",
            "an",
            "and",
            "are",
            "as",
            "at",
            "be",
            "been",
            "but",
            "by",
            "can",
            "could",
            "did",
            "do",
            "does",
            "for",
            "from",
            "had",
            "has",
            "have",
            "he",
            "her",
            "his",
            "how",
            "i",
            "if",
            "in",
            "into",
            "is",
            "it",
            "its",
            "me",
            "my",
            "of",
            "on",
            "or",
            "our",
            "she",
            "should",
            "so",
            "than",
            "that",
            "the",
            "their",
            "them",
            "then",
            "there",
            "these",
            "they",
            "this",
            "to",
            "us",
            "was",
            "we",
            "were",
            "what",
            "when",
            "where",
            "which",
            "who",
            "why",
            "will",
            "with",
            "would",
            "you",
            "your",
        ]  # Read as a sentence.
    ),
    "es": frozenset(
        "a al algo ante como con cual cuales cuando de del desde donde e el ella ellos en entre era es esa ese eso "  # noqa: SIM905
        "esta estan este esto estos fue ha han hay he la las le les lo los mas me mi mis muy ni nos o os para pero "
        "por porque que quien se sea ser si sin sobre son su sus te tiene tu un una uno unos y ya yo".split()
    ),
    "fr": frozenset(
        "a ai au aux avec c ce ces cet cette comme d dans de des donc du elle elles en es est et eu il ils j je "  # noqa: SIM905
        "l la le les leur leurs lui m ma mais me meme mes mon n ne nos notre nous on ont ou ou par pas pour qu que "
        "quel quelle quels qui s sa sans se ses si son sont sur t ta te tes toi ton tu un une vos votre vous y".split()
    ),
    "pt": frozenset(
        "a ao aos as com como da das de dela dele do dos e ela ele elas eles em entre era essa esse esta este eu foi "  # noqa: SIM905
        "ha isso isto ja la lhe mas me meu minha na nas nao nos o os ou para pela pelo pelas pelos por qual quando "
        "que quem se sem ser seu seus sua suas so sao tambem te tem um uma umas uns voce".split()
    ),
    "ru": frozenset(
        "а без бы был была были было быть в вам вас во все всех вы где для до его ее если есть еще же за и из или им "  # noqa: SIM905
        "их к как ко когда кто ли мы на над нас не него нет ни но о об он она они от по под при с со так такои там то "
        "тоже только ты у уже чем что чтобы эта эти это этот я".split()
    ),
}
EVERY_STOP_WORD = frozenset().union(*STOP_WORDS.values())

_STEMMERS = {"en": EnglishStemmer().stem, "es": SpanishStemmer().stem, "fr": FrenchStemmer().stem,
             "pt": PortugueseStemmer().stem, "ru": RussianStemmer().stem}  # fmt: skip
# The stemmers of Spanish and French know endings by their accents, which people leave out when they search.
# An ending gets its accent back before the stemmer sees it, so that a word has one stem however it was typed.
_ACCENTED_ENDINGS = {
    "es": (("cion", "ción"), ("sion", "sión"), ("logia", "logía"), ("logias", "logías"), ("ucion", "ución")),
    "fr": (("ees", "ées"), ("ee", "ée"), ("ies", "iés"), ("ie", "ié")),
    "pt": (("coes", "ções"), ("cao", "ção"), ("soes", "sões"), ("sao", "são"), ("encia", "ência")),
}
_CYRILLIC = re.compile("[а-я]+")
_UNFOLDED = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ħ": "h"})


# Soft hyphens and zero-width characters stand inside words; control characters and lone surrogates never do.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufff9-\ufffc\ud800-\udfff]")


class Word(NamedTuple):
    """One word of a text: as written but in lower case, where it stands among the words, where in the text."""

    text: str
    position: int
    start: int
    end: int


class Code(NamedTuple):
    """Something written as one piece though it has parts (`tender/procurementMethod`), folded, at its first part."""

    text: str
    position: int
    last: int
    start: int
    end: int


def clean(text: str) -> str:
    """Text in composed Unicode form (NFC) without control characters, which neither index nor database can hold."""
    return _CONTROL.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", text)))


@lru_cache(maxsize=30_000)
def fold(word: str) -> str:
    """A word in lower case without accents: `Contratación` and `CONTRATACION` give `contratacion`."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.lower().translate(_UNFOLDED))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    """The stem of a word in a language (`contracts` and `contracting` give `contract` in English), always folded.

    A word with digits or foreign letters, and every word of a language without a stemmer, is only folded.
    """
    folded = fold(word)
    if language == "ru" and len(folded) > 3 and _CYRILLIC.fullmatch(folded):
        # The endings are known with the letter that folding takes the breve from.
        return fold(_STEMMERS["ru"](word.lower().replace("ё", "е")))[:LONGEST_WORD] or folded[:LONGEST_WORD]
    if language == "ru" or language not in _STEMMERS or len(folded) < 4 or not (folded.isascii() and folded.isalpha()):
        return folded[:LONGEST_WORD]
    accented = folded
    for plain, ending in _ACCENTED_ENDINGS.get(language, ()):
        if folded.endswith(plain):
            accented = folded.removesuffix(plain) + ending
            break
    try:
        stemmed = fold(_STEMMERS[language](accented))
    except (IndexError, ValueError):
        # The stemmers index into regions of the word, and a few odd letter sequences have none.
        return folded[:LONGEST_WORD]
    if language == "fr" and stemmed.endswith("qu"):
        stemmed = stemmed[:-2] + "c"
    return stemmed[:LONGEST_WORD] or folded[:LONGEST_WORD]


def base_language(language: str) -> str:
    """The language whose stems apply to a text: en, es, fr, pt (`pt-BR`), ru, or xx for any other one."""
    base = language[:2].lower()
    return base if base in LANGUAGES else OTHER


def scan(text: str, position: int = 0) -> tuple[list[Word], list[Code]]:
    """The words of a text and the codes that some of them form.

    `tender/procurementMethod` gives the words tender, procurement, method and the codes `tender/procurementmethod` and
    `procurementmethod`; `ocds-213czf-000` its three parts and itself; `e-procurement` also counts as `eprocurement`.
    Positions count words from `position` on, so that neighbours can be told.
    """
    words: list[Word] = []
    codes: list[Code] = []
    for match in _CHUNK.finditer(text):
        chunk = match.group()
        start, end = match.span()
        if chunk.isalpha() and (chunk.islower() or chunk.istitle() or chunk.isupper()):
            words.append(Word(chunk.lower()[:LONGEST_WORD], position, start, end))
            position += 1
            continue
        position = _scan_chunk(chunk, start, position, words, codes)
    return words, codes


def _scan_chunk(chunk: str, start: int, position: int, words: list[Word], codes: list[Code]) -> int:
    """Cut one piece with joiners, capitals inside or digits; returns the next free position."""
    first = position
    pieces = 0
    at = 0
    for piece in _JOINER.split(chunk):
        pieces += 1
        before = position
        inner = at
        parts = [piece] if _PLURAL_ACRONYM.fullmatch(piece) else _CAMEL.split(piece)
        for part in parts:
            words.append(Word(part.lower()[:LONGEST_WORD], position, start + inner, start + inner + len(part)))
            position += 1
            inner += len(part)
        if len(parts) > 1 and len(piece) <= LONGEST_CODE:
            codes.append(Code(fold(piece), before, position - 1, start + at, start + at + len(piece)))
        at += len(piece) + 1
    if pieces > 1 and len(chunk) <= LONGEST_CODE:
        codes.append(Code(fold(chunk), first, position - 1, start, start + len(chunk)))
        joined = chunk.replace("-", "")
        if pieces == 2 and joined.isalpha() and joined[1:].islower():
            codes.append(Code(fold(joined), first, position - 1, start, start + len(chunk)))
    return position


def chunks(text: str) -> list[str]:
    """The pieces that `scan` would cut, without looking inside them; fast, for long texts."""
    return _CHUNK.findall(text)


def is_content(word: str, language: str) -> bool:
    """Whether a word means something in a language: not a function word, not a lone letter."""
    folded = fold(word)
    if len(folded) == 1 and folded.isalpha() and folded.isascii():
        return False
    return folded not in STOP_WORDS.get(language, ())
