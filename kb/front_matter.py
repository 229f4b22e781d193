"""The head of a Markdown file: YAML between two lines of hyphens, read with care and kept as it was."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from core.exceptions import Refused
from core.i18n import _

LONGEST = 64 * 1024

_HEAD = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<yaml>.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)

# A head that nobody closed; three hyphens above something else are a line across the page.
_UNENDED = re.compile(r"\ufeff?---[ \t]*\r?\n[A-Za-z_][\w-]*:(?:[ \t]|\r?\n|\Z)")


class _NoAliases:
    """Aliases are refused: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose anything but an alias."""
        if self.check_event(yaml.AliasEvent):  # type: ignore[attr-defined]
            mark = self.peek_event().start_mark  # type: ignore[attr-defined]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read here", mark)
        return super().compose_node(parent, index)  # type: ignore[misc,no-any-return]


class _Once:
    """A name that stands twice in a head is refused: nobody can know which of the two is meant."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Make a mapping whose names differ."""
        seen: set[str] = set()
        for name, _value in node.value:
            if name.value in seen:
                problem = f"the name “{name.value}” stands there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, name.start_mark)
            if isinstance(name, yaml.ScalarNode):
                seen.add(name.value)
        return super().construct_mapping(node, deep)  # type: ignore[misc]


class _Values(_Once, _NoAliases, yaml.SafeLoader):
    """Plain values."""


def _date_or_text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    """What looks like a date that does not exist is a text."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return node.value


_Values.add_constructor("tag:yaml.org,2002:timestamp", _date_or_text)


class _Settings(_NoAliases, yaml.SafeLoader):
    """Plain values; what has a tag of some tool is nothing."""


_Settings.add_multi_constructor("!", lambda _loader, _tag, _node: None)
_Settings.add_multi_constructor("tag:yaml.org,2002:python/", lambda _loader, _tag, _node: None)


class _Words(_Once, _NoAliases, yaml.BaseLoader):
    """Everything as it was written: the tag “null” is a word, and so is the title “1.10”."""


@dataclass(frozen=True)
class Split:
    """A file taken apart: ``head`` and ``body`` together are the file, character for character.

    ``fields`` has values as YAML means them, ``words`` the same as they were written.
    """

    head: str
    body: str
    fields: dict[str, Any]
    words: dict[str, Any]


def split(text: str) -> Split:
    """Take a file apart.

    :raises Refused: with a sentence, if there is a head that cannot be read.
    """
    match = _HEAD.match(text)
    if match is None and _UNENDED.match(text):
        raise Refused(_("The front matter that begins in line 1 has no end: a line of three hyphens is missing."))
    if match is None:
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        return Split(mark, text.removeprefix(mark), {}, {})
    if len(match["yaml"]) > LONGEST:
        raise Refused(_("The front matter is too long."))
    try:
        fields = yaml.load(match["yaml"], Loader=_Values)  # noqa: S506 # It is a safe loader, made stricter.
        words = yaml.load(match["yaml"], Loader=_Words)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise Refused(_("The front matter is not YAML: %(problem)s", problem=_problem(error))) from None
    if fields is None:
        fields = words = {}
    if not isinstance(fields, dict) or not isinstance(words, dict):
        raise Refused(_("The front matter is not a list of names and values."))
    return Split(match[0], text[match.end() :], _plain(fields), _plain(words))


def line_of(head: str, name: str) -> int:
    """The line of a head in which a name stands, from 1; 0 if it does not."""
    found = re.search(rf"^{re.escape(name)}[ \t]*:", head, re.MULTILINE)
    return head.count("\n", 0, found.start()) + 1 if found else 0


def settings(text: str) -> dict[str, Any]:
    """The settings of another tool, as far as they can be read; tags that run something do not.

    :raises Refused: with a sentence, if they are no list of names and values.
    """
    try:
        values = yaml.load(text, Loader=_Settings)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise Refused(_("The settings are not YAML: %(problem)s", problem=_problem(error, 1))) from None
    if not isinstance(values, dict):
        raise Refused(_("The settings are not a list of names and values."))
    return _plain(values)  # type: ignore[no-any-return]


def dump(fields: Mapping[str, Any]) -> str:
    """A head with these fields, in their order; "" if there are none."""
    if not fields:
        return ""
    text = yaml.safe_dump(dict(fields), allow_unicode=True, sort_keys=False, width=100_000)
    return f"---\n{text}---\n"


def _plain(value: Any) -> Any:
    """The same in what JSON knows; dates become text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    if (
        value is None
        or isinstance(value, str | int | bool)
        or (isinstance(value, float) and abs(value) < float("inf"))
    ):
        return value
    return str(value)


def _problem(error: Exception, first: int = 2) -> str:
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", "") or str(error) or type(error).__name__
    return f"{text} (line {mark.line + first})" if mark is not None else str(text)
