"""The two ways that English is written: “organisation” and “organization”, “licence” and “license”."""

import re
from functools import lru_cache

from core.words import fold

# A pattern with what stands in the middle of it, one way and the other.
_MIDDLES = (
    (re.compile(r"(.{3,})(i[sz])((?:e[drs]?|ers|ing|able|ation(?:s|al)?))"), ("is", "iz")),
    (re.compile(r"(.{2,})(y[sz])((?:e[drs]?|ers|ing))"), ("ys", "yz")),
    (re.compile(r"(lic|def|off|pret)(en[cs])((?:e[ds]?|ing))"), ("enc", "ens")),
    (re.compile(r"(behavi|col|endeav|fav|harb|hon|lab|neighb)(ou?r)(.{0,6})"), ("our", "or")),
    (re.compile(r"(cent|fib|lit|met|theat|kilomet)(re|er)(s?)"), ("re", "er")),
    (re.compile(r"(.{2,})(log|logue)(s?)"), ("logue", "log")),
    (re.compile(r"(program)(|me)(s?)"), ("me", "")),
    (re.compile(r"(acknowledg|judg)(e?ment)(s?)"), ("ement", "ment")),
)


@lru_cache(maxsize=4096)
def other_spelling(word: str) -> str:
    """An English word as people write it on the other side of the ocean (folded), or "".

    What comes out of an odd word need not be one: nothing is found by it.
    """
    folded = fold(word)
    if folded.isascii() and folded.isalpha():
        for pattern, (one, other) in _MIDDLES:
            match = pattern.fullmatch(folded)
            if match:
                return match[1] + (other if match[2] == one else one) + match[3]
    return ""
