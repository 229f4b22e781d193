"""What search engines and other sites are told of a public page: schema.org as JSON-LD, and Open Graph."""

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
