"""What questions and articles are about. Articles may bring topics of their own; these are the ones with names."""

from flask_babel import LazyString

from core.i18n import lazy

TOPICS: dict[str, LazyString] = {
    "ocid-prefix": lazy("OCID prefix"),
    "releases-records": lazy("Releases and records"),
    "amendments": lazy("Amendments and changes"),
    "identifiers": lazy("Identifiers"),
    "organisations": lazy("Buyers, suppliers and other parties"),
    "awards-contracts": lazy("Awards and contracts"),
    "frameworks-lots": lazy("Frameworks and lots"),
    "bids": lazy("Bids and tenderers"),
    "milestones-payments": lazy("Milestones and payments"),
    "extensions": lazy("Extensions"),
    "codelists": lazy("Codelists"),
    "validation": lazy("Validation and data quality"),
    "serialisation": lazy("JSON, CSV and Excel"),
    "publication": lazy("Publishing and hosting"),
    "licences-policy": lazy("Licence and publication policy"),
    "localisation": lazy("Languages and local terms"),
    "mapping": lazy("Mapping"),
    "systems": lazy("Systems and tools"),
    "use": lazy("Using the data"),
    "other": lazy("Something else"),
}


def topic_name(code: str) -> str:
    """The name of a topic in the reader's language; a topic of an article's own is shown as words."""
    known = TOPICS.get(code)
    return str(known) if known is not None else code.replace("-", " ").capitalize()


def topic_choices() -> list[tuple[str, str]]:
    """(code, name) in the order of the list."""
    return [(code, str(name)) for code, name in TOPICS.items()]
