"""Search and suggestions by API, and the API's own description."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue

from accounts.sign_ins import has_scope
from core import api
from core.exceptions import Refused
from core.i18n import _, language
from core.policy import permits
from core.web import external, person
from kb import finding
from portal import searching

bp = Blueprint("portal_api", __name__, url_prefix="/api/v1")

DESCRIPTION = Path(__file__).parent / "openapi.yaml"
TEXT_LENGTH = 2000


def register(app: Flask) -> None:
    """Add the routes."""
    app.register_blueprint(bp)


@bp.get("/openapi.json")
@permits("api.describe")
def describe() -> ResponseReturnValue:
    """The description of the API (OpenAPI 3.1)."""
    document = dict(_description())
    document["servers"] = [{"url": external("portal_api.describe").removesuffix("/openapi.json")}]
    return jsonify(document)


@bp.get("/search")
@permits("search.use")
def search() -> ResponseReturnValue:
    """Articles, past answers and, for those who may see them, tickets."""
    _need_scope()
    api.limited()
    text = request.args.get("q", "").strip()
    if not text:
        raise Refused(_("“%(name)s” is needed.", name="q"), "q")
    kind = request.args.get("kind", "")
    if kind not in {"", *searching.KINDS}:
        raise Refused(_("“%(name)s” must be one of %(codes)s.", name="kind", codes=", ".join(searching.KINDS)), "kind")
    found = searching.search(
        text, reader=person(), kind=kind, topics=_one("topic"), countries=_one("country"), languages=_one("lang"),
        language=language(), limit=api.page_size(10, 50),
    )  # fmt: skip
    results: list[dict[str, Any]] = [searching.hit_document(hit) for hit in found.texts.hits]
    results += [
        searching.ticket_document(hit, external("helpdesk.show", number=hit.ticket.number)) for hit in found.tickets
    ]
    return jsonify(
        {
            "results": results, "total": found.texts.total + found.ticket_total,
            "did_you_mean": found.texts.suggestion,
            "facets": {name: dict(counts) for name, counts in found.texts.facets.items()},
        }
    )  # fmt: skip


@bp.get("/suggestions")
@permits("kb.browse")
def suggestions() -> ResponseReturnValue:
    """What may answer a text."""
    _need_scope()
    api.limited()
    text = request.args.get("text", "").strip()[:TEXT_LENGTH]
    if not text:
        raise Refused(_("“%(name)s” is needed.", name="text"), "text")
    hits = finding.suggest(text, user=person(), language=language(), limit=api.page_size(5, 20))
    return jsonify({"suggestions": [searching.hit_document(hit) for hit in hits]})


@cache
def _description() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    return document


def _one(name: str) -> tuple[str, ...]:
    value = request.args.get(name, "")
    return (value,) if value else ()


def _need_scope() -> None:
    if person() is not None:
        api.need_scope(has_scope("search:read"), "search:read")
