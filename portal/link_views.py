"""What a text can link to: articles, past answers, tickets and fields of the standard, each as Markdown to put in."""

import re
from dataclasses import dataclass

from flask import Blueprint, Flask, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from core.i18n import _, language
from core.policy import permits
from core.web import person
from kb import ocds_fields
from portal import searching

bp = Blueprint("links", __name__)

TEXTS, TICKETS, FIELDS = 8, 4, 8
_MARKS = re.compile(r"([\\\[\]`*_<>])")


@dataclass(frozen=True)
class Target:
    """Something to link to, and what kind of thing it is."""

    kind: str
    title: str
    url: str
    is_code: bool = False

    @property
    def markdown(self) -> str:
        """What puts the link into a text."""
        words = f"`{self.title}`" if self.is_code else _MARKS.sub(r"\\\1", " ".join(self.title.split()))
        return f"[{words}]({self.url.replace('(', '%28').replace(')', '%29')})"


def register(app: Flask) -> None:
    """Add the route."""
    app.register_blueprint(bp)


@bp.get("/kb/links")
@permits("article.add")
def page() -> ResponseReturnValue:
    """What holds some words, to link to it; without scripts a page to copy from."""
    text = request.args.get("q", "").strip()[:200]
    response = make_response(render_template("portal/links.html", q=text, targets=_targets(text) if text else []))
    response.vary.add("X-Fragment")
    return response


def _targets(text: str) -> list[Target]:
    reader = person()
    found = searching.search(text, reader=reader, language=language(), limit=TEXTS, prefix_last=True)
    kinds = {"article": _("Article"), "answer": _("Past answer")}
    targets = [Target(kinds.get(hit.kind, hit.kind), hit.title, hit.url) for hit in found.texts.hits]
    fields = [
        Target(_("Field of OCDS: %(title)s", title=field.title), field.path, field.url, is_code=True)
        for field in ocds_fields.find(text, FIELDS)
    ]
    # Who types a path looks for a field.
    targets = fields + targets if re.fullmatch(r"[a-z]+([A-Z/.]\w*)+", text) else targets + fields
    if reader.is_staff:
        targets += [
            Target(_("Ticket, for staff alone"), f"#{hit.ticket.number} {hit.ticket.title}",
                   url_for("desk.show", number=hit.ticket.number))
            for hit in found.tickets[:TICKETS]
        ]  # fmt: skip
    return targets
