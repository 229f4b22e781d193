"""The language of the search box: words, "phrases", -not. Nothing typed can fail, and nothing means anything else."""

import re
from dataclasses import dataclass

from core.words import Code, Word, clean, scan

LONGEST_QUERY = 2000
MOST_WORDS = 32
# A search that chooses the telling ones among many words reads so many of them.
MOST_WORDS_READ = 250

# Sentences about a search that was cut; the page translates them, so they are only marked here.
N_ = str
TOO_LONG = N_("Only the first 2,000 characters of the search were used.")
TOO_MANY_WORDS = N_("Only the 32 most telling words of the search were used.")
TOO_COMMON = N_("These words are too common to search for. Add a word that says what it is about.")

QUOTES = str.maketrans(dict.fromkeys("“”„«»‟＂", '"'))
_PIECE = re.compile(r'(?P<negative>(?<!\S)[-−](?=["\w]))?(?:"(?P<phrase>[^"]*)"|(?P<words>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing to look for: a word, a code with its parts, or a phrase (`quoted`); `negative` if it must be absent.

    `prefix` is set on a last word that may still be growing. `start` and `end` say where it stands in the query.
    """

    words: tuple[Word, ...]
    codes: tuple[Code, ...] = ()
    quoted: bool = False
    negative: bool = False
    prefix: bool = False

    @property
    def start(self) -> int:
        """Where it begins in `ParsedQuery.text`."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Where it ends in `ParsedQuery.text`."""
        return self.words[-1].end


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What a person asks for; `text` is what was really read, `refused` a sentence about what was not, or empty."""

    text: str
    clauses: tuple[Clause, ...]
    refused: str = ""

    @property
    def wanted(self) -> tuple[Clause, ...]:
        """The clauses that should be found."""
        return tuple(clause for clause in self.clauses if not clause.negative)

    @property
    def unwanted(self) -> tuple[Clause, ...]:
        """The clauses that must not be found."""
        return tuple(clause for clause in self.clauses if clause.negative)


def parse(
    text: str, *, prefix_last: bool = False, longest: int = LONGEST_QUERY, most_words: int = MOST_WORDS
) -> ParsedQuery:
    """Read a search: at most `longest` characters and `most_words` words of it; never raises, whatever was typed.

    Quotation marks keep words together, a minus before a word or phrase leaves it out, everything else (wildcards,
    brackets, AND, colons, an odd quotation mark) is text. With `prefix_last` the last word may be a beginning.
    """
    refused = TOO_LONG if len(text) > longest else ""
    text = clean(text[:longest]).translate(QUOTES)
    clauses: list[Clause] = []
    seen: set[tuple[object, ...]] = set()
    count = 0
    for match in _PIECE.finditer(text):
        quoted = match["phrase"] is not None
        group = "phrase" if quoted else "words"
        words, codes = scan(match[group])
        offset = match.start(group)
        words = [word._replace(start=word.start + offset, end=word.end + offset) for word in words]
        if words and count + len(words) > most_words:
            refused = refused or TOO_MANY_WORDS
            if count == most_words:
                break
            words = words[: most_words - count]
            codes = [code for code in codes if code.last < len(words)]
        count += len(words)
        if not words:
            continue
        negative = match["negative"] is not None
        if quoted:
            found = [Clause(tuple(words), quoted=len(words) > 1, negative=negative)]
        else:
            found = [Clause(part, part_codes, negative=negative) for part, part_codes in _split_by_code(words, codes)]
        for clause in found:
            key = (clause.negative, clause.quoted, tuple(word.text for word in clause.words))
            if key not in seen:
                seen.add(key)
                clauses.append(clause)
    if prefix_last and clauses:
        last = clauses[-1]
        if not last.quoted and not last.negative and last.end == len(text.rstrip('"')) and not text.endswith('"'):
            clauses[-1] = Clause(last.words, last.codes, prefix=True)
    return ParsedQuery(text, tuple(clauses), refused)


def _split_by_code(words: list[Word], codes: list[Code]) -> list[tuple[tuple[Word, ...], tuple[Code, ...]]]:
    """Group the words of one piece: those of a code stay together with every code on them, the others stand alone."""
    groups: list[tuple[tuple[Word, ...], tuple[Code, ...]]] = []
    index = 0
    while index < len(words):
        position = words[index].position
        last = max((code.last for code in codes if code.position == position), default=position)
        here = tuple(word for word in words if position <= word.position <= last)
        groups.append((here, tuple(code for code in codes if position <= code.position <= code.last <= last)))
        index += len(here)
    return groups
