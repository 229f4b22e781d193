"""What both backends agree on: which terms a document is found by, and which terms a query looks for.

A term is the stem of a word with the language it was stemmed in (`en~contract`), or a code as a whole
(`=tender/procurementmethod`). A word of a query is looked for by its stem in every language, because nobody says in
which language they ask.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from core.passages import Wanted
from core.query_words import Clause, parse
from core.words import EVERY_STOP_WORD, LANGUAGES, OTHER, Word, base_language, clean, fold, is_content, scan, stem
from kb.search.protocol import Document

# Changes whenever the terms of a document change: an index made by another version is rebuilt.
VERSION = 1

# With fewer documents than this holding all of the words, those that hold some of them are shown below.
FEW = 5

LANGUAGE_BOOST = 1.25
COGNATE = 0.7  # A stem of the person's language found in a text of another one (publicación, publication).
PART_OF_CODE = 0.6

LONGEST_TEXT = 400_000
_GAP = 10  # Between fields, so that no phrase runs from one into the next.
_LAST_POSITION = 16_000  # PostgreSQL keeps no positions beyond 16,383.
_MOST_POSITIONS = 200

TITLE, SUMMARY, HEADINGS, TAGS, TEXT = range(5)
_WEIGHTS = (4.0, 1.5, 2.0, 2.0, 1.0)
# How many words of a field are usual; a longer field says less with each of its words.
_USUAL_LENGTH = (8, 40, 40, 8, 400)
_SATURATION = 1.2
_LENGTH_SHARE = 0.4


@dataclass(slots=True)
class Occurrence:
    """Where a term is in one document: positions among its words, the field of each, and how telling it is there."""

    positions: list[int] = field(default_factory=list)
    fields: list[int] = field(default_factory=list)
    weight: float = 0.0


@dataclass(slots=True)
class Analysed:
    """The terms of a document, and its words as written (`folded` or `folded<tab>written`) with their weights."""

    terms: dict[str, Occurrence]
    words: dict[str, float]


def prepared_text(text: str) -> str:
    """A text as the index keeps it: composed, without control characters, of bounded length."""
    return clean(text[:LONGEST_TEXT])


def texts(document: Document) -> tuple[str, str, str, str, str]:
    """The texts of a document in the order of the field numbers, prepared."""
    return (
        prepared_text(document.title),
        prepared_text(document.summary),
        prepared_text("\n".join(document.headings)),
        prepared_text("\n".join(document.tags)),
        prepared_text(document.text),
    )


def analyse(document: Document) -> Analysed:
    """Cut a document into terms with positions and weights (0 to about 25), and into words."""
    language = base_language(document.language)
    terms: dict[str, Occurrence] = {}
    written: dict[str, set[str]] = {}
    position = 0
    lengths: list[int] = []
    for number, text in enumerate(texts(document)):
        words, codes = scan(text, position)
        lengths.append(len(words))
        for word in words:
            term = term_of(word.text, language)
            if term:
                _note(terms, term, word.position, number)
                written.setdefault(term, set()).add(word.text)
        for code in codes:
            term = "=" + code.text
            _note(terms, term, code.position, number)
            written.setdefault(term, set()).add(code.text)
        if words:
            position = words[-1].position + _GAP
    norms = [
        1 - _LENGTH_SHARE + _LENGTH_SHARE * length / usual
        for length, usual in zip(lengths, _USUAL_LENGTH, strict=True)
    ]
    weighted: dict[str, float] = {}
    for term, occurrence in terms.items():
        occurrence.weight = _weight(occurrence.fields, norms)
        for word_ in written[term]:
            weighted[written_word(word_)] = occurrence.weight
    return Analysed(terms, weighted)


def _note(terms: dict[str, Occurrence], term: str, position: int, number: int) -> None:
    occurrence = terms.get(term)
    if occurrence is None:
        occurrence = terms[term] = Occurrence()
    if len(occurrence.fields) < _MOST_POSITIONS:
        occurrence.fields.append(number)
        if position < _LAST_POSITION:
            occurrence.positions.append(position)


def _weight(fields: list[int], norms: list[float]) -> float:
    weight = 0.0
    for number in set(fields):
        count = fields.count(number) if len(fields) > 1 else 1
        weight += _WEIGHTS[number] * count * (_SATURATION + 1) / (count + _SATURATION * norms[number])
    return round(weight * 16) / 16


def written_word(word: str) -> str:
    """How the list of words holds one: folded for finding it, and as written when that differs."""
    folded = fold(word)
    return folded if folded == word else f"{folded}\t{word}"


@lru_cache(maxsize=200_000)
def term_of(word: str, language: str) -> str:
    """The term of a word in a language (en, es, fr or xx), or empty for a word that is not looked for in it."""
    return f"{language}~{stem(word, language)}" if is_content(word, language) else ""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to meet a need: a term, or several at fixed distances (offset from the first, term)."""

    terms: tuple[tuple[int, str], ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """A clause of the query in terms: any alternative will do. `prefix` also takes every word that begins so."""

    alternatives: tuple[Alternative, ...]
    clause: Clause
    required: bool = True
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A query in terms; `text` is the part of it that was read, `refused` says in a sentence what was not."""

    text: str
    needs: tuple[Need, ...]
    unwanted: tuple[Need, ...]
    refused: str = ""

    @property
    def required(self) -> tuple[Need, ...]:
        """What a document must hold; when a query has only words that some language does without: all of them."""
        return tuple(need for need in self.needs if need.required) or self.needs

    def wanted(self, language: str, prefixes: bool = True) -> Wanted:  # noqa: FBT001, FBT002
        """What to mark in a text of a language."""
        base = base_language(language)
        stems: set[str] = set()
        codes: set[str] = set()
        for need in self.needs:
            for alternative in need.alternatives:
                for _, term in alternative.terms:
                    if term.startswith("="):
                        codes.add(term[1:])
                    elif term.startswith(base):
                        stems.add(term[3:])
        prefix = next((need.prefix for need in self.needs if need.prefix), "") if prefixes else ""
        return Wanted({base: frozenset(stems)}, frozenset(codes), prefix)


def plan(text: str, *, prefer_language: str = "", prefix_last: bool = False) -> Plan:
    """Turn what was typed into terms to look for."""
    parsed = parse(text, prefix_last=prefix_last)
    needs = tuple(need for clause in parsed.wanted if (need := _need(clause, prefer_language)).alternatives)
    unwanted = tuple(need for clause in parsed.unwanted if (need := _need(clause, "")).alternatives)
    return Plan(parsed.text, needs, unwanted, parsed.refused)


def _need(clause: Clause, prefer_language: str) -> Need:
    required = True
    prefix = ""
    if clause.quoted or clause.codes:
        alternatives = list(_together(clause))
    else:
        word = clause.words[0].text
        folded = fold(word)
        required = folded not in EVERY_STOP_WORD and not (len(folded) == 1 and folded.isalpha())
        alternatives = list(word_alternatives(word, prefer_language))
    if clause.prefix:
        prefix = clause.codes[-1].text if clause.codes else fold(clause.words[-1].text)
        # A function word that goes on (“for” to “format”) asks for something, so it counts.
        required = required or len(prefix) > 1
    return Need(tuple(alternatives), clause, required, prefix)


def word_alternatives(word: str, prefer_language: str = "") -> Iterator[Alternative]:
    """Every term that a word may be found by: its stem in each language, itself elsewhere and as a code."""
    preferred = base_language(prefer_language) if prefer_language else OTHER
    seen = {f"={fold(word)}"}
    yield Alternative(((0, f"={fold(word)}"),))
    for language in (*LANGUAGES, OTHER):
        term = term_of(word, language)
        if term and term not in seen:
            seen.add(term)
            yield Alternative(((0, term),))
    cognate = term_of(word, preferred) if preferred != OTHER else ""
    for language in LANGUAGES:
        term = f"{language}{cognate[2:]}"
        if cognate and term not in seen:
            seen.add(term)
            yield Alternative(((0, term),), COGNATE)


def plan_word(word: str, prefer_language: str, prefix: str) -> Need:
    """What to look for on behalf of one word of a question, which may still be growing (`prefix`)."""
    clause = Clause((Word(word, 0, 0, len(word)),))
    return Need(tuple(word_alternatives(word, prefer_language)), clause, prefix=prefix)


def _together(clause: Clause) -> Iterator[Alternative]:
    """The terms of words that belong together: the code that they form, and their stems one after the other."""
    whole = (clause.words[0].position, clause.words[-1].position)
    for code in clause.codes:
        weight = 1.0 if (code.position, code.last) == whole else PART_OF_CODE
        yield Alternative(((0, f"={code.text}"),), weight)
    seen: set[tuple[tuple[int, str], ...]] = set()
    for language in (*LANGUAGES, OTHER):
        terms = _phrase(clause.words, language)
        if terms and terms not in seen:
            seen.add(terms)
            yield Alternative(terms)


def _phrase(words: tuple[Word, ...], language: str) -> tuple[tuple[int, str], ...]:
    found = [(word.position, term) for word in words if (term := term_of(word.text, language))]
    return tuple((position - found[0][0], term) for position, term in found)


# Suggestions while typing read a whole question; its first words say most of what it is about.
LONGEST_QUESTION = 3000
MOST_QUESTION_WORDS = 60


def question_words(text: str) -> tuple[list[str], str]:
    """The telling words of a question being typed, each once, and the one that may still be growing (or empty)."""
    text = clean(text[:LONGEST_QUESTION])
    words, codes = scan(text)
    found = dict.fromkeys(code.text for code in codes)
    for word in words:
        folded = fold(word.text)
        if folded not in EVERY_STOP_WORD and len(folded) > 1:
            found.setdefault(word.text)
        if len(found) >= MOST_QUESTION_WORDS:
            break
    growing = fold(words[-1].text) if words and words[-1].end == len(text) and len(words[-1].text) > 2 else ""
    return list(found), growing
