"""Catalogues of translations (gettext .po files) beside a documentation, applied to its Markdown.

Sphinx makes them: each paragraph, heading, list item and cell of a table is a message, as it is written, on one line.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from babel.messages.pofile import PoFileError, read_po

from core import directives
from core.directive_forms import INCLUDING, has_words
from core.exceptions import Refused
from core.i18n import _
from core.markdown import slug

LARGEST = 4 * 1024 * 1024

_HEADING = re.compile(
    r"^(?P<before> {0,3}#{1,6}[ \t]+)(?P<text>.*?)(?P<after>[ \t]+#+[ \t]*|[ \t]+\{#[^}]*\}[ \t]*|[ \t]*)$"
)
_PREFIX = re.compile(
    r"^(?P<before>[ \t]*(?:>[ \t]?)*[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)*"
    r"(?:\[\^[^\]]{1,60}\]:[ \t]+|:[ \t]+)?)"
)
_DIRECTIVE = re.compile(r"^(?P<before>[ \t]*(?:`{3,}|:{3,}|~{3,})\{(?P<name>[\w:.+-]{1,60})\}[ \t]*)(?P<text>.*)$")
_CLOSING = re.compile(r"^[ \t]*(?:`{3,}|:{3,}|~{3,})[ \t]*$")
_OPTION = re.compile(r"^(?P<before>[ \t]*:(?:alt|title|caption|header):[ \t]+)(?P<text>.*)$")
_OTHER_OPTION = re.compile(r"^[ \t]*:[\w-]{1,60}:(?:[ \t]|$)")
_DELIMITERS = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(?:=+|-+)[ \t]*$")
_CELL = re.compile(r"(?<!\\)\|")
_STARTS = re.compile(r"^[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|#{1,6}[ \t]|`{3,}|~{3,}|:{3,}|<|\||\(|\[\^)")

# A line of a catalogue: a remark, nothing, or a text between quotation marks, with what it is.
_ENTRY_LINE = re.compile(r"^\s*(?:#.*|(?:msg(?:id|str|ctxt|id_plural)(?:\[\d{1,3}\])?\s*)?\"(?:[^\"\\]|\\.)*\"\s*)?$")


@dataclass(frozen=True)
class Catalogue:
    """Translations into one language, by the message on one line."""

    messages: Mapping[str, str]

    def find(self, text: str) -> str:
        """The translation of a text, "" if there is none."""
        return self.messages.get(one_line(text), "")


@dataclass(frozen=True)
class Translated:
    """A text in another language; ``share`` is how much of it (0 to 1, by letters) is translated."""

    text: str
    share: float


def words_of(text: str) -> str:
    """A heading without the marks of Markdown."""
    return re.sub(r"[`*]|\b_|_\b", "", re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text))


def one_line(text: str) -> str:
    """A message as catalogues hold it: its line breaks are blanks."""
    return " ".join(text.split())


def read(content: bytes) -> Catalogue:
    """Read a catalogue; messages that are marked as fuzzy are not translations yet.

    :raises Refused: with a sentence that names the line, if it cannot be read.
    """
    _check_quotes(content)
    try:
        found = read_po(io.BytesIO(content), ignore_obsolete=True, abort_invalid=True)
    except PoFileError as error:
        line = getattr(error, "lineno", None)
        sentence = _("The catalogue cannot be read: %(problem)s", problem=str(error.args[0]).removesuffix(" on 0"))
        raise Refused(
            f"{sentence} ({_('line %(number)s', number=line + 1)})" if line is not None else sentence
        ) from None
    except (UnicodeDecodeError, ValueError, LookupError) as error:
        raise Refused(_("The catalogue cannot be read: %(problem)s", problem=str(error)[:200])) from None
    messages = {
        one_line(str(message.id)): one_line(str(message.string))
        for message in found
        if message.id and isinstance(message.id, str) and message.string and not message.fuzzy
    }
    return Catalogue(messages)


def _check_quotes(content: bytes) -> None:
    """Babel takes a text without its end for one that is a letter shorter."""
    for number, line in enumerate(content.decode("utf-8", "replace").removeprefix("\ufeff").split("\n"), 1):
        if not _ENTRY_LINE.match(line):
            sentence = _("The catalogue cannot be read: %(problem)s", problem=_("this is no text in quotation marks"))
            raise Refused(f"{sentence} ({_('line %(number)s', number=number)})")


def translate(body: str, catalogue: Catalogue) -> Translated:
    """A text with what the catalogue translates; the rest stays as it is."""
    run = _Run(catalogue)
    text = "\n".join(run.lines(body.split("\n")))
    return Translated(text, run.found / run.all if run.all else 0.0)


class _Run:
    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.found = self.all = 0
        self.anchors: dict[str, int] = {}

    def lines(self, lines: list[str]) -> Iterator[str]:
        paragraph: list[str] = []
        skipped_until = -1
        code = [is_code for _line, is_code in directives.by_line("\n".join(lines))]
        data = {
            position: directive.end
            for directive in directives.walk(lines)
            if directive.name in INCLUDING or directive.name == "toctree"
            for position in [directive.begin]
        }
        for position, line in enumerate(lines):
            if position in data:
                skipped_until = data[position]
            if position < skipped_until or code[position] or _is_silent(line):
                yield from self._paragraph(paragraph)
                yield line
            elif found := _DIRECTIVE.match(line) or _OPTION.match(line) or _HEADING.match(line):
                yield from self._paragraph(paragraph)
                if "after" in found.groupdict():
                    yield from self._heading(found)
                    continue
                is_data = "name" in found.groupdict() and not has_words(found["name"])
                yield line if is_data else found["before"] + self._text(found["text"])
            elif line.lstrip().startswith("|") or (_is_row(lines, position) and not paragraph):
                yield from self._paragraph(paragraph)
                yield line if _DELIMITERS.match(line) else self._row(line)
            elif line.lstrip().startswith("<") or directives.label_of(line) or (paragraph and _UNDERLINE.match(line)):
                yield from self._paragraph(paragraph)
                yield line
            else:
                if paragraph and _STARTS.match(line):
                    yield from self._paragraph(paragraph)
                paragraph.append(line)
        yield from self._paragraph(paragraph)

    def _paragraph(self, lines: list[str]) -> Iterator[str]:
        """The lines of one paragraph, translated onto one line or as they are."""
        if not lines:
            return
        found = _PREFIX.match(lines[0])
        before = found["before"] if found else ""
        rest = [line.lstrip("> \t") for line in lines[1:]]
        text = "\n".join([lines[0][len(before) :], *rest])
        translated = self._text(text)
        if translated == text:
            yield from lines
        else:
            yield before + translated
        lines.clear()

    def _heading(self, found: re.Match[str]) -> Iterator[str]:
        """A heading; one that is translated can still be reached by the anchor that it had."""
        text = found["text"]
        name = slug(words_of(text))
        number = self.anchors.get(name, -1) + 1
        is_first, self.anchors[name] = not self.anchors, number
        translated = self._text(text)
        # The first one is the title, which stands above the page.
        if translated != text and not is_first:
            yield f"({name}{f'-{number}' if number else ''})="
            yield ""
        yield found["before"] + translated + (found["after"] or "")

    def _row(self, line: str) -> str:
        return "|".join(self._cell(cell) for cell in _CELL.split(line))

    def _cell(self, cell: str) -> str:
        text = cell.strip()
        translated = self._text(text).replace("\\|", "|").replace("|", "\\|") if text else ""
        return cell.replace(text, translated, 1) if translated and translated != text.replace("\\|", "|") else cell

    def _text(self, text: str) -> str:
        if not any(char.isalpha() for char in text):
            return text
        self.all += len(text)
        translated = self.catalogue.find(text) or self.catalogue.find(text.replace("\\|", "|"))
        if not translated:
            return text
        self.found += len(text)
        return translated


def _is_silent(line: str) -> bool:
    """Whether a line says nothing to the reader."""
    if not line.strip() or _CLOSING.match(line):
        return True
    return _OTHER_OPTION.match(line) is not None and _OPTION.match(line) is None


def _is_row(lines: list[str], position: int) -> bool:
    """Whether a line with bars inside belongs to a table without bars at its sides."""
    if "|" not in lines[position]:
        return False
    near = lines[max(0, position - 200) : position + 2]
    return any(_DELIMITERS.match(line) and "|" in line for line in near)
