"""A small library in three languages that search tests ask questions of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kb.search import Document, Query


def document(number: int, title: str, text: str = "", **rest) -> Document:
    kind = rest.pop("kind", "article")
    return Document(
        id=f"{kind}:{number}",
        kind=kind,
        title=title,
        text=text,
        url=f"/kb/{number}",
        updated=rest.pop("updated", datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=number)),
        **rest,
    )


AMENDMENTS = document(
    1,
    "How to publish amendments",
    "A contract may change after it was signed. Put each change into contracts/amendments and use the release tag "
    "tenderAmendment for a tender. The date of signature stays as it was.",
    topic="schema",
    tags=("releases",),
)
METHODS = document(
    2,
    "Procurement method codes",
    "The field tender/procurementMethod holds open, selective, limited or direct. An example is "
    "ocds-213czf-000-00001 in releases_2021.jsonl, which was published by e-procurement.",
    topic="schema",
    country="GH",
)
SPANISH = document(
    3,
    "Publicar datos de contratación",
    "La contratación abierta mejora la licitación pública. Los países publican sus contratos y las auditorías.",
    language="es",
    topic="publishing",
    country="PY",
)
FRENCH = document(
    4,
    "Publier les marchés publics",
    "Les données sur les appels d’offres sont publiées par l’acheteur. Une œuvre de longue haleine.",
    language="fr",
    topic="publishing",
    country="SN",
)
ANSWER = document(
    5,
    "Which date is the award date?",
    "The award date is the day of the decision, not of the signature. Publish it in awards/date.",
    kind="answer",
    topic="schema",
    country="GH",
)
CHAMPIONS = document(6, "Meeting notes of champions", "The platypus agenda for reformers.", visibility="champions")
STAFF = document(
    7,
    "Escalation of zebrafish tickets",
    "Internal zebrafish handling of a contract.",
    visibility="staff",
    topic="desk",
)

LIBRARY = (AMENDMENTS, METHODS, SPANISH, FRENCH, ANSWER, CHAMPIONS, STAFF)

EVERYBODY = ("public",)
STAFF_SEE = ("public", "champions", "staff")


def found(index, text: str, **rest) -> list[str]:
    """The ids that a search finds, best first."""
    return [hit.id for hit in index.search(Query(text=text, **rest)).hits]


def many(number: int, title: str, text: str, **rest) -> list[Document]:
    """Documents that differ in their id only."""
    first = document(1000, title, text, **rest)
    return [replace(first, id=f"{first.kind}:{1000 + i}") for i in range(number)]


def marked(segments) -> list[str]:
    return [text for text, is_marked in segments if is_marked]


def plain(segments) -> str:
    return "".join(text for text, _ in segments)
