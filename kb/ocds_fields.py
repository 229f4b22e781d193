"""The fields of the Open Contracting Data Standard 1.1, with where its documentation describes each."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REFERENCE = "https://standard.open-contracting.org/1.1/en/schema/reference/#release-schema.json,"
# Inside items there are units with values; nothing lies deeper.
_MOST_LEVELS = 6
_ROOT = "Release"
_WORD = re.compile(r"[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Field:
    """A field: its path as in ``tender/value/amount``, its title, and the page that describes it."""

    path: str
    title: str
    url: str


def find(text: str, limit: int = 8) -> list[Field]:
    """The fields whose path or title holds all words of a text, the nearest first.

    :param text: as ``tender/procurementMethod``, ``procurement method`` or ``tender.value``.
    """
    wanted = _words(text)
    if not wanted:
        return []
    name = re.sub(r"[^a-z0-9]", "", text.casefold())
    found = []
    for field, words, path in _known():
        if all(any(word.startswith(each) for word in words) for each in wanted) or (len(name) > 3 and name in path):
            last = re.sub(r"[^a-z0-9]", "", field.path.rpartition("/")[2].casefold())
            rank = 0 if path == name else 1 if last == name else 2
            found.append((rank, field.path.count("/"), len(field.path), field.path, field))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])[:limit]]


@cache
def everything() -> tuple[Field, ...]:
    """Every field of a release."""
    objects: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in Path(__file__).with_name("ocds_fields.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            lines = objects.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append([part.strip() for part in line.split("|")])

    def under(name: str, prefix: str, level: int) -> list[Field]:
        anchor = "" if name == _ROOT else f"/definitions/{name}"
        fields = []
        for field, title, *kinds in objects[name]:
            fields.append(Field(f"{prefix}{field}", title, f"{REFERENCE}{anchor},{field}"))
            if kinds and level < _MOST_LEVELS:
                fields += under(kinds[0].rstrip("*"), f"{prefix}{field}/", level + 1)
        return fields

    return tuple(under(_ROOT, "", 0))


@cache
def _known() -> tuple[tuple[Field, frozenset[str], str], ...]:
    return tuple(
        (field, frozenset(_words(f"{field.path} {field.title}")), re.sub(r"[^a-z0-9]", "", field.path.casefold()))
        for field in everything()
    )


def _words(text: str) -> list[str]:
    """The words of a text; of names in camel case too."""
    return _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold())[:10]
