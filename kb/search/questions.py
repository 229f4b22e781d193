"""Questions as people type them: which of their words to look for, to suggest what may answer them."""

from collections.abc import Sequence

from core.query_words import Clause
from core.words import EVERY_STOP_WORD, Word, clean, fold, scan
from kb.search import synonyms
from kb.search.analysis import Alternative, Need, telling_of, word_alternatives

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


def plan_words(words: Sequence[str], prefer_language: str, growing: str = "") -> list[Need]:
    """What to look for on behalf of each word of a question; the one that is `growing` may be a beginning."""
    clauses = [Clause((Word(word, 0, 0, len(word)),)) for word in words]
    others = synonyms.current().others([clause.words[0] for clause in clauses])
    needs = []
    for place, clause in enumerate(clauses):
        word = clause.words[0].text
        own = list(word_alternatives(word, prefer_language))
        known = {alternative.terms for alternative in own}
        more = [Alternative(other.terms, other.weight, other.text) for other in others.get(place, ())]
        own += [other for other in more if other.terms not in known]
        needs.append(Need(tuple(own), clause, True, growing if fold(word) == growing else "", telling_of(clause)))
    return needs
