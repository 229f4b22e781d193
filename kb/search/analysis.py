"""What both backends agree on: which terms a document is found by, and which terms a query looks for.

A term is the stem of a word with the language it was stemmed in (`en~contract`), or a code as a whole
(`=tender/procurementmethod`). A word of a query is looked for by its stem in every language, because nobody says in
which language they ask.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from core.passages import Wanted
from core.query_words import MOST_WORDS, MOST_WORDS_READ, TOO_MANY_WORDS, Clause, parse
from core.spellings import other_spelling
from core.weak_words import WEAK_WORDS
from core.words import (
    EVERY_STOP_WORD,
    LANGUAGES,
    OTHER,
    Word,
    base_language,
    chunks,
    clean,
    fold,
    is_content,
    scan,
    stem,
)
from kb.search import synonyms
from kb.search.protocol import Document

# Changes whenever the terms of a document change: an index made by another version is rebuilt.
VERSION = 7

# With fewer documents than this holding all of the words, those that hold some of them are shown below.
FEW = 5
# Such a document must hold this share of what the known words weigh together, the rarer ones weighing more.
LEAST_SHARE = 0.34
# A search of more words than this is a question: nothing answers it by holding every word of it, so documents with all
# words do not come first, but get a little more.
SHORT = 2
LEAST_SHARE_OF_QUESTION = 0.1
ALL_WORDS_BONUS = 1.1

LANGUAGE_BOOST = 1.8
WEAK = 0.3  # A word that says little of what is asked.
COGNATE = 0.7  # A stem of the person's language found in a text of another one (publicación, publication).
PART_OF_CODE = 0.6

LONGEST_TEXT = 400_000
_GAP = 10  # Between fields, so that no phrase runs from one into the next.
_LAST_POSITION = 16_000  # PostgreSQL keeps no positions beyond 16,383.
_MOST_POSITIONS = 200

TITLE, SUMMARY, HEADINGS, TAGS, TEXT = range(5)
_WEIGHTS = (1.5, 1.2, 1.2, 1.2, 1.0)
# How many words of a field are usual; a longer field says less with each of its words.
_USUAL_LENGTH = (8, 40, 40, 8, 240)
_SATURATION = 1.6
_LENGTH_SHARE = 0.75
_LONGEST_TITLE = 150


@dataclass(slots=True)
class Analysed:
    """What a document is found by.

    `places` has, for each term, its places in the order of the text, each `position * 8 + field number`; `weights`
    how telling each term is (0 to about 25); `words` the words as written (see `written_word`) with the term of each.
    """

    places: dict[str, list[int]]
    weights: dict[str, float]
    words: dict[str, str]

    def positions(self, term: str) -> list[int]:
        """Where a term stands among the words of the document."""
        return [place >> 3 for place in self.places[term] if place < _LAST_POSITION << 3]


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
    """Cut a document into terms."""
    language = base_language(document.language)
    known = _known_chunks(language)
    prepared = texts(document)
    whole = whole_title(prepared[TITLE])
    places: dict[str, list[int]] = {whole: [TITLE]} if whole else {}
    words: dict[str, str] = {}
    position = 0
    lengths: list[int] = []
    for number, text in enumerate(prepared):
        start = position
        for chunk in chunks(text):
            entries = known.get(chunk)
            if entries is None:
                entries = known[chunk] = _look_inside(chunk, language)
            for offset, term, word in entries[1]:
                place = (position + offset) << 3 | number
                if term in places:
                    places[term].append(place)
                else:
                    places[term] = [place]
                words[word] = term
            position += entries[0]
        lengths.append(position - start)
        position += _GAP
    norms = [
        1 - _LENGTH_SHARE + _LENGTH_SHARE * length / usual
        for length, usual in zip(lengths, _USUAL_LENGTH, strict=True)
    ]
    once = [_field_weight(number, 1, norms[number]) for number in range(len(norms))]
    weights: dict[str, float] = {}
    for term, found in places.items():
        if len(found) == 1:
            weights[term] = once[found[0] & 7]
        else:
            counts = Counter(place & 7 for place in found)
            weights[term] = sum(_field_weight(number, count, norms[number]) for number, count in counts.items())
            del found[_MOST_POSITIONS:]
    return Analysed(places, weights, words)


def whole_title(text: str) -> str:
    """The term of a title as a whole, for whoever types just that; "" without words, or with very many."""
    words = scan(clean(text))[0] if len(text) <= _LONGEST_TITLE else ()
    return '"' + " ".join(fold(word.text) for word in words) if words else ""


def _field_weight(number: int, count: int, norm: float) -> float:
    # Sixteenths, which pack well.
    return round(16 * _WEIGHTS[number] * count * (_SATURATION + 1) / (count + _SATURATION * norm)) / 16


# The beginnings, of two letters or more, of the words that languages do without.
_BEGIN_STOP_WORDS = frozenset(word[:n] for word in EVERY_STOP_WORD for n in range(2, len(word) + 1))

# How many positions a chunk takes, and what is in it: offset of the position, term, word as written.
_Chunk = tuple[int, tuple[tuple[int, str, str], ...]]
_chunks: dict[str, dict[str, _Chunk]] = {}
_MOST_CHUNKS = 50_000


def _known_chunks(language: str) -> dict[str, _Chunk]:
    known = _chunks.setdefault(language, {})
    if len(known) > _MOST_CHUNKS:
        known.clear()
    return known


def _look_inside(chunk: str, language: str) -> _Chunk:
    words, codes = scan(chunk)
    entries = [
        (word.position, term, written_word(word.text)) for word in words if (term := term_of(word.text, language))
    ]
    entries += [(code.position, f"={code.text}", code.text) for code in codes]
    return len(words), tuple(entries)


def terms_in(text: str, language: str) -> dict[str, str]:
    """The terms of a text in a language (en, es, fr, …), each with a word as it is written there."""
    known = _known_chunks(language)
    found: dict[str, str] = {}
    for chunk in chunks(text):
        entries = known.get(chunk)
        if entries is None:
            entries = known[chunk] = _look_inside(chunk, language)
        for _, term, word in entries[1]:
            found[term] = word.rpartition("\t")[2]
    return found


def written_word(word: str) -> str:
    """How the list of words holds one: folded for finding it, and as written when that differs."""
    folded = fold(word)
    return folded if folded == word else f"{folded}\t{word}"


@lru_cache(maxsize=50_000)
def term_of(word: str, language: str) -> str:
    """The term of a word in a language (en, es, fr or xx), or empty for a word that is not looked for in it."""
    return f"{language}~{stem(word, language)}" if is_content(word, language) else ""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to meet a need: a term, or several at fixed distances (offset from the first, term).

    ``instead`` is the synonym that it stands for, as people write it; "" for what was typed itself; ``is_across`` says
    that it is one of another language.
    """

    terms: tuple[tuple[int, str], ...]
    weight: float = 1.0
    instead: str = ""
    is_across: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """A clause of the query in terms: any alternative will do. `prefix` also takes every word that begins so.

    `telling` is how much it says of what is asked, 1 for most words. `parts` has, for a code of several words, what to
    look for in a document that does not hold it as a whole.
    """

    alternatives: tuple[Alternative, ...]
    clause: Clause
    required: bool = True
    prefix: str = ""
    telling: float = 1.0
    parts: "tuple[Need, ...]" = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A query in terms; `text` is the part of it that was read, `refused` says in a sentence what was not.

    `titled` looks for documents with just that title.
    """

    text: str
    needs: tuple[Need, ...]
    unwanted: tuple[Need, ...]
    refused: str = ""
    titled: Need | None = None

    @property
    def required(self) -> tuple[Need, ...]:
        """What a document must hold; when a query has only words that some language does without: all of them."""
        return tuple(need for need in self.needs if need.required) or self.needs

    @property
    def is_question(self) -> bool:
        """Whether it has so many words that no document is expected to hold all of them."""
        return len(self.required) > SHORT

    def with_parts_of(self, codes: Collection[Need]) -> "Plan":
        """The same with parts of some codes only: what is to be marked and told."""
        needs = tuple(need if need in codes or not need.parts else replace(need, parts=()) for need in self.needs)
        return replace(self, needs=needs)

    @property
    def is_too_much(self) -> bool:
        """Whether it has more words than are looked for, so that `most_telling` has to choose."""
        return len(self.needs) > MOST_WORDS

    def most_telling(self, weights: Sequence[float]) -> "Plan":
        """The same with those of its words that say most.

        :param weights: how telling each need is; 0 for what no document holds.
        """
        places = sorted(range(len(self.needs)), key=lambda i: (not self.needs[i].required, -weights[i], i))
        kept = sorted(places[:MOST_WORDS])
        return replace(self, needs=tuple(self.needs[i] for i in kept), refused=self.refused or TOO_MANY_WORDS)

    def wanted(self, language: str, prefixes: bool = True) -> Wanted:  # noqa: FBT001, FBT002
        """What to mark in a text of a language."""
        base = base_language(language)
        stems: set[str] = set()
        codes: set[str] = set()
        beside: dict[str, set[str]] = {}
        looked_for = [one for need in self.required for one in (need, *need.parts)]
        for way in (way for need in looked_for for way in need.alternatives):
            here = [term[3:] for _, term in way.terms if term.startswith(base)]
            codes.update(term[1:] for _, term in way.terms if term.startswith("="))
            if len(way.terms) == 1:
                stems.update(here)
            for stem_ in here if len(here) > 1 else ():
                beside.setdefault(stem_, set()).update(here)
        alone = {stem_: frozenset(others) for stem_, others in beside.items() if stem_ not in stems}
        prefix = next((need.prefix for need in self.needs if need.prefix), "") if prefixes else ""
        return Wanted({base: frozenset(stems | beside.keys())}, frozenset(codes), prefix, alone)


def plan(text: str, *, prefer_language: str = "", prefix_last: bool = False) -> Plan:
    """Turn what was typed into terms to look for."""
    parsed = parse(text, prefix_last=prefix_last, most_words=MOST_WORDS_READ)
    others = _synonyms(parsed.wanted)
    needs = tuple(
        need
        for clause in parsed.wanted
        if (need := _need(clause, prefer_language, others.get(clause, ()))).alternatives
    )
    unwanted = tuple(replace(need, parts=()) for clause in parsed.unwanted if (need := _need(clause, "")).alternatives)
    title = whole_title(parsed.text) if needs and not unwanted else ""
    titled = Need((Alternative(((0, title),)),), needs[0].clause) if title else None
    return Plan(parsed.text, needs, unwanted, parsed.refused, titled)


def _synonyms(clauses: Sequence[Clause]) -> dict[Clause, list[Alternative]]:
    """What else the words of a query may be called; quoted words, field paths and codes mean themselves."""
    placed = [(clause, word) for clause in clauses if _may_be_said_otherwise(clause) for word in clause.words]
    found = synonyms.current().others([word for _, word in placed])
    ways: dict[Clause, list[Alternative]] = {}
    for place, (clause, word) in enumerate(placed):
        others = found.get(place, [])
        here = [Alternative(other.terms, other.weight, other.text, other.is_across) for other in others]
        if clause not in ways:
            ways[clause] = here
        elif len(word.text) > 1:
            # “accord-cadre” is called as both of its words together are.
            ways[clause] = [way for way in ways[clause] if way in here]
    return {clause: others for clause, others in ways.items() if others}


def _may_be_said_otherwise(clause: Clause) -> bool:
    if clause.quoted:
        return False
    # “pre-qualification” is words with a hyphen, “tenderAmendment” and “tender/value” are not.
    written = [code.text for code in clause.codes]
    return not written or ("-" in written[0] and all(code.replace("-", "").isalpha() for code in written))


def _need(clause: Clause, prefer_language: str, others: Sequence[Alternative] = ()) -> Need:
    required = True
    prefix = ""
    parts: tuple[Need, ...] = ()
    if clause.quoted or clause.codes:
        alternatives = list(_together(clause))
        if not clause.quoted and len(clause.words) > 1:
            ones = [Clause((word,), prefix=clause.prefix and word is clause.words[-1]) for word in clause.words]
            parts = tuple(_need(one, prefer_language) for one in ones)
    else:
        word = clause.words[0].text
        folded = fold(word)
        required = folded not in EVERY_STOP_WORD and not (len(folded) == 1 and folded.isalpha())
        alternatives = list(word_alternatives(word, prefer_language))
    if clause.prefix:
        prefix = clause.codes[-1].text if clause.codes else fold(clause.words[-1].text)
        # It may become a function word (“wit”, “with”): what has it is better, but nothing disappears for want of it.
        required = required and not (len(prefix) > 1 and prefix in _BEGIN_STOP_WORDS)
    own = {alternative.terms for alternative in alternatives}
    alternatives += [other for other in others if other.terms not in own]
    return Need(tuple(alternatives), clause, required, prefix, telling_of(clause), parts)


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
    spelled = other_spelling(word)
    other = term_of(spelled, "en") if spelled else ""
    if other and other not in seen:
        seen.add(other)
        yield Alternative(((0, other),))
    cognate = term_of(word, preferred) if preferred != OTHER else ""
    for language in LANGUAGES:
        term = f"{language}{cognate[2:]}"
        if cognate and term not in seen:
            seen.add(term)
            yield Alternative(((0, term),), COGNATE)


def telling_of(clause: Clause) -> float:
    """How much a clause says of what is asked."""
    weak = not clause.quoted and not clause.codes and fold(clause.words[0].text) in WEAK_WORDS
    return WEAK if weak else 1.0


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
