"""In which language a search is asked, told by its words: people search in others than that of their pages."""

from collections.abc import Sequence

from core.spellings import other_spelling
from core.words import LANGUAGES, STOP_WORDS, base_language, fold
from kb.search.analysis import Need, term_of
from kb.search.parts import View

# A word tells nothing of the language where less than this of what it may be is of one of them: all say “OCID”.
ONE_OF_THEM = 0.6
# The language of a search is another one than that of the pages, if its words say so of so much of what they say …
MOST_OF_IT = 0.6
# … and so little for the language of the pages, …
LITTLE_OF_IT = 0.25
# … and so many words do. The standard's own words are English, so it takes a sentence to tell that English is meant.
ENOUGH = 0.8
ENOUGH_ENGLISH = 2.5
# So many more documents are imagined in each language: with few of them, one that holds a word says little.
IMAGINED = 20


def asked_in(views: Sequence[View], needs: Sequence[Need], preferred: str) -> str:
    """The language whose documents come first: that of the words if they tell it clearly, else the preferred one.

    :param preferred: the language of the person's pages, or "".
    """
    pages = base_language(preferred) if preferred else ""
    words = [need.clause.words[0].text for need in needs if _is_plain(need)]
    if not any(_may_be_foreign(views, word, pages) for word in words):
        return preferred
    counts = _counts(views)
    evidence = dict.fromkeys(counts, 0.0)
    for word in words:
        rates = {language: _rate(views, word, language, count) for language, count in counts.items()}
        together = sum(rates.values())
        if max(rates.values(), default=0.0) < ONE_OF_THEM * together:
            continue
        for language, rate in rates.items():
            evidence[language] += rate / (together or 1)
    told = max(evidence, key=lambda language: evidence[language], default="")
    if not told or told == pages:
        return preferred
    every = sum(evidence.values())
    is_enough = evidence[told] >= (ENOUGH_ENGLISH if told == "en" else ENOUGH)
    is_clear = evidence[told] >= MOST_OF_IT * every and evidence.get(pages, 0.0) <= LITTLE_OF_IT * every
    return told if is_enough and is_clear else preferred


def _is_plain(need: Need) -> bool:
    clause = need.clause
    return len(clause.words) == 1 and not clause.codes and not clause.quoted and not need.prefix


def _may_be_foreign(views: Sequence[View], word: str, pages: str) -> bool:
    """Whether as many documents of another language hold it: of most searches no word, so that little is counted."""
    here = _held(views, word, pages) if pages else 0
    elsewhere = max(_held(views, word, language) for language in LANGUAGES if language != pages)
    return elsewhere >= max(here, 1)


def _counts(views: Sequence[View]) -> dict[str, int]:
    """How many visible documents there are in each language that has any."""
    counts: dict[str, int] = {}
    for view in views:
        for (_, _, language, _), count in view.part.columns.counted(view.visible).items():
            base = base_language(language)
            if base in LANGUAGES:
                counts[base] = counts.get(base, 0) + count
    return counts


def _rate(views: Sequence[View], word: str, language: str, count: int) -> float:
    """The share of the documents of a language that hold a word; of its function words: all of them."""
    if fold(word) in STOP_WORDS.get(language, ()):
        return 1.0
    return _held(views, word, language) / (count + IMAGINED)


def _held(views: Sequence[View], word: str, language: str) -> int:
    """How many visible documents of a language hold a word of it that says something.

    English is written without accents, so “préfixe” is none of its words, whatever it shares a stem with.
    """
    if language == "en" and not word.isascii():
        return 0
    words = (word, other_spelling(word)) if language == "en" else (word,)
    terms = {term for each in words if each and (term := term_of(each, language))}
    return sum(view.frequency(term) for view in views for term in terms)
