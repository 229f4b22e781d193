"""The search page."""

from flask import Blueprint, Flask, make_response, render_template, request
from flask.typing import ResponseReturnValue

from core import limits, signing
from core.i18n import language, language_choices
from core.policy import permits
from core.web import person
from kb import gaps, view_counts
from kb.gap_models import NOTHING
from kb.topics import TOPICS, topic_choices, topic_name
from portal import searching

bp = Blueprint("search", __name__)

PAGE = 10
LAST_PAGE = 20
# So many searches in vain are written down from one address in an hour.
IN_VAIN = 60


def register(app: Flask) -> None:
    """Add the route."""
    app.register_blueprint(bp)


@bp.get("/search")
@permits("search.use")
def page() -> ResponseReturnValue:
    """Results for q, narrowed by kind, topic, country and language."""
    text = request.args.get("q", "").strip()
    kind = request.args.get("kind", "")
    kind = kind if kind in searching.KINDS else ""
    chosen = {name: request.args.get(name, "") for name in ("topic", "country", "lang")}
    number = min(max(request.args.get("page", 1, int), 1), LAST_PAGE)
    # The page itself asks for what would be found so far while somebody types.
    is_typing = "X-Fragment" in request.headers
    found = None
    if text:
        found = searching.search(
            text, reader=person(), kind=kind, topics=_one(chosen["topic"]), countries=_one(chosen["country"].upper()),
            languages=_one(chosen["lang"]), language=language(), limit=PAGE, offset=(number - 1) * PAGE,
            prefix_last=is_typing, with_reasons=True,
        )  # fmt: skip
        is_narrowed = any((kind, found.asked.typed, *chosen.values()))
        kind = found.kind
        if found.is_empty and number == 1 and not is_typing and not is_narrowed:
            _note_in_vain(text)
    total = 0 if found is None else (found.ticket_total if kind == "ticket" else found.texts.total)
    response = make_response(render_template(
        "portal/search.html", shown=signing.mark(gaps.SHOWN, text),
        q=text, kind=kind, chosen=chosen, found=found, topics=_topics(found),
        language_names=dict(language_choices()), page=number, has_next=number * PAGE < total and number < LAST_PAGE,
        is_typing=is_typing, reader_language=language(),
    ))  # fmt: skip
    response.vary.add("X-Fragment")
    return response


def _topics(found: searching.Found | None) -> list[tuple[str, str]]:
    """The topics to choose from: those with names, and those of their own that articles found have."""
    own = [] if found is None else [code for code in found.texts.facets.get("topic", {}) if code not in TOPICS]
    return [*topic_choices(), *((code, topic_name(code)) for code in own)]


def _note_in_vain(text: str) -> None:
    """Write down for the work list that a search found nothing; not too often from one address.

    The same search again from there within half an hour, as when a page is loaded again, is the same search.
    """
    if not view_counts.is_somebody() or not gaps.may_be_kept(text):
        return
    whom = limits.network_address()
    if gaps.is_new(text, NOTHING, whom) and not limits.seconds_left("gap", whom, IN_VAIN, 3600, add=1):
        gaps.note(text, NOTHING, language=language())


def _one(value: str) -> tuple[str, ...]:
    return (value,) if value else ()
