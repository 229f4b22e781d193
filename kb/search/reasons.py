"""Why a document was found: which of the words, where in it, and by which other name."""

from collections.abc import Iterator
from dataclasses import replace

from core.words import base_language
from kb.search.analysis import Alternative, Need, Plan, terms_in
from kb.search.hits import Shown
from kb.search.protocol import Hit, Query, Reason

# Longer texts are looked through so far; what comes later was found too, it is only not told.
_LOOKED_THROUGH = 60_000


def told(found: Hit, shown: Shown, plan: Plan, query: Query) -> Hit:
    """The hit, with the reasons why it was found if the query asks for them."""
    return replace(found, reasons=reasons(plan, shown)) if query.with_reasons else found


def reasons(plan: Plan, shown: Shown) -> tuple[Reason, ...]:
    """For each word of the search that the document holds: where, and what stands there instead of it.

    Words as they were typed come before other names for them. Words that only join others are not told.
    """
    language = base_language(shown.language)
    fields = {
        "title": terms_in(shown.title, language),
        "summary": terms_in(shown.summary, language),
        "text": terms_in(shown.text[:_LOOKED_THROUGH], language),
    }
    return tuple(_reasons(plan, fields))


def _reasons(plan: Plan, fields: dict[str, dict[str, str]]) -> Iterator[Reason]:
    told: set[str] = set()
    for need in plan.needs:
        typed = plan.text[need.clause.start : need.clause.end]
        if not need.required or typed.lower() in told:
            continue
        reason = _reason(need, typed, fields)
        if reason is not None:
            told.add(typed.lower())
            yield reason
        else:
            yield from _reasons(replace(plan, needs=need.parts), fields)


def _reason(need: Need, typed: str, fields: dict[str, dict[str, str]]) -> Reason | None:
    # A code that was found by its parts is told by them: its words need not stand side by side.
    ways = [way for way in need.alternatives if len(way.terms) == 1] if need.parts else need.alternatives
    held = [(way, tuple(name for name, terms in fields.items() if _holds(way, terms))) for way in ways]
    held = [(way, places) for way, places in held if places]
    if held:
        way, places = min(held, key=lambda one: (bool(one[0].instead), "title" not in one[1], -len(one[1])))
        return Reason(typed, places, instead=way.instead, is_across=way.is_across)
    if need.prefix:
        for name, terms in fields.items():
            written = next((word for word in terms.values() if word.startswith(need.prefix)), "")
            if written:
                return Reason(typed, (name,), instead=written)
    return None


def _holds(way: Alternative, terms: dict[str, str]) -> bool:
    return all(term in terms for _, term in way.terms)
