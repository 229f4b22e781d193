"""What search engines and other sites are told of a public page: schema.org as JSON-LD, and Open Graph."""

from collections.abc import Callable, Sequence
from typing import Any

from kb.models import PUBLIC, PUBLISHED, READABLE, Answer, Article

_CONTEXT = "https://schema.org"
DESCRIPTION = 300


def of_article(article: Article, *, url: str, site: str, crumbs: list[tuple[str, str]]) -> dict[str, Any] | None:
    """The description of an article (schema.org TechArticle); None if it is not for everybody.

    :param crumbs: what stands above it, as names and absolute addresses.
    """
    if article.visibility != PUBLIC or article.state not in READABLE:
        return None
    page = {
        "@type": "TechArticle", "headline": article.title[:110], "name": article.title, "url": url,
        "mainEntityOfPage": url, "inLanguage": article.language, "description": article.summary[:DESCRIPTION],
        "datePublished": _day(article.published_at), "dateModified": _day(article.updated_at),
        "keywords": list(article.tags), "publisher": _publisher(site), "author": _publisher(site),
    }  # fmt: skip
    return {"@context": _CONTEXT, "@graph": [_without_blanks(page), _breadcrumbs([*crumbs, (article.title, url)])]}


def of_answer(answer: Answer, *, url: str, site: str, crumbs: list[tuple[str, str]]) -> dict[str, Any] | None:
    """The description of a past answer (schema.org QAPage); None if it is not for everybody."""
    if answer.visibility != PUBLIC or answer.state != PUBLISHED:
        return None
    question = {
        "@type": "Question", "name": answer.title, "text": answer.question or answer.title, "answerCount": 1,
        "inLanguage": answer.language, "datePublished": _day(answer.published_at),
        "acceptedAnswer": {
            "@type": "Answer", "text": answer.answer_text or answer.answer, "url": url,
            "upvoteCount": answer.helpful_count, "dateCreated": _day(answer.published_at),
            "author": _publisher(site),
        },
    }  # fmt: skip
    page = {"@type": "QAPage", "url": url, "inLanguage": answer.language, "mainEntity": question}
    return {"@context": _CONTEXT, "@graph": [page, _breadcrumbs([*crumbs, (answer.title, url)])]}


def of_answers(rows: Sequence[Answer], *, url: str, address: Callable[[Answer], str]) -> dict[str, Any] | None:
    """The description of a list of past answers (schema.org FAQPage), of those that are for everybody; None of none.

    :param address: of an answer, absolute.
    """
    shown = [row for row in rows if row.visibility == PUBLIC and row.state == PUBLISHED]
    questions = [
        {
            "@type": "Question", "name": row.title, "url": address(row), "inLanguage": row.language,
            "acceptedAnswer": {"@type": "Answer", "text": row.answer_text or row.answer, "url": address(row)},
        }
        for row in shown
    ]  # fmt: skip
    page = {"@type": "FAQPage", "url": url, "mainEntity": questions}
    return {"@context": _CONTEXT, "@graph": [page]} if questions else None


def of_list(
    name: str, rows: Sequence[Article], *, url: str, language: str, description: str, site: str,
    crumbs: list[tuple[str, str]], address: Callable[[Article], str],
) -> dict[str, Any]:  # fmt: skip
    """The description of a page that lists articles in an order (schema.org CollectionPage), of the public ones alone.

    :param address: of an article, absolute.
    """
    shown = [row for row in rows if row.visibility == PUBLIC and row.state in READABLE]
    items = [
        {"@type": "ListItem", "position": place, "name": row.title, "url": address(row)}
        for place, row in enumerate(shown, 1)
    ]
    page = {
        "@type": "CollectionPage", "name": name, "url": url, "inLanguage": language,
        "description": description[:DESCRIPTION], "publisher": _publisher(site),
        "mainEntity": {"@type": "ItemList", "numberOfItems": len(items), "itemListElement": items},
    }  # fmt: skip
    return {"@context": _CONTEXT, "@graph": [_without_blanks(page), _breadcrumbs([*crumbs, (name, url)])]}


def _breadcrumbs(crumbs: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": address}
            for place, (name, address) in enumerate(crumbs, 1)
        ],
    }


def _publisher(site: str) -> dict[str, str]:
    return {"@type": "Organization", "name": site}


def _day(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment is not None else ""


def _without_blanks(page: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in page.items() if value not in ("", [])}
