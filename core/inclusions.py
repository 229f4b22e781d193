"""Directives that bring in other files (JSON, CSV, code, Markdown), replaced by what the files say.

Pure: who calls says what a file says. What cannot be brought in stays as it is written, and is told with its line.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core import directives
from core.directive_forms import INCLUDING, admonition, parted, table

MOST_LEVELS = 8
MOST_TEXT = 400_000
MOST_ROWS = 500
MOST_COLUMNS = 60
# Longer JSON is folded up where the directive does not say that it is to be opened.
MOST_JSON_LINES = 250
MOST_JSON_ITEMS = 20

MISSING, OUTSIDE, CYCLE, LARGE, UNREADABLE, BAD = "missing", "outside", "cycle", "large", "unreadable", "bad"

_FOLDED_OBJECT, _FOLDED_LIST = "\ue0b2", "\ue0b3"
_SNIPPET = re.compile(r"^(?P<indent> {0,24})-{1,4}8<-{1,4} +[\"'](?P<target>[^\"']{1,500})[\"'][ \t]*$")
# The same around a list of files; one that begins with a semicolon is switched off.
_SCISSORS = re.compile(r"^(?P<indent> {0,24})-{1,4}8<-{1,4}[ \t]*$")
_CODE_OF = {"js": "javascript", "py": "python", "yml": "yaml", "md": "markdown", "sh": "bash", "txt": ""}


@dataclass(frozen=True)
class File:
    """A text file: its place, which tells it from all others, and what it says."""

    place: str
    text: str


#: What stands at a target, as it is written in the file at a place: a file, or why there is none.
Read = Callable[[str, str], File | str]


@dataclass(frozen=True)
class Problem:
    """What could not be brought in: the line (from 1) of the directive, its target, and why: one of the constants."""

    line: int
    target: str
    reason: str


@dataclass(frozen=True)
class Expanded:
    """A source with what it brings in; ``targets`` are those that were found, as they are written."""

    text: str
    targets: tuple[str, ...]
    problems: tuple[Problem, ...]


def expand(source: str, place: str, read: Read) -> Expanded:
    """Put in what a source brings in.

    :param place: of the source itself.
    """
    if "{" not in source and "::" not in source and "8<" not in source:
        return Expanded(source, (), ())
    run = _Run(read)
    text = "\n".join(run.lines(source.split("\n"), (place,), 1))
    return Expanded(text, tuple(dict.fromkeys(run.targets)), tuple(run.problems))


class _Run:
    def __init__(self, read: Read) -> None:
        self.read = read
        self.targets: list[str] = []
        self.problems: list[Problem] = []
        self.left = MOST_TEXT

    def lines(self, lines: list[str], places: tuple[str, ...], first: int, level: int = 0) -> list[str]:
        """The lines with what they bring in.

        :param places: of the files that are being brought in, the outermost first.
        :param first: the number of the first line in the outermost source.
        """
        out: list[str] = []
        done = 0
        for directive in directives.walk(lines):
            out += self._snippets(lines[done : directive.begin], places, first + done)
            number = first + directive.begin if len(places) == 1 else first
            body = [line.removeprefix(directive.indent) for line in directive.body]
            made = self._made(directive.name.lower(), directive.argument, body, places, number)
            size = sum(map(len, made or ()))
            if made is not None and size > self.left:
                self.problems.append(Problem(number, directive.argument, LARGE))
                made = None
            elif len(places) == 1:
                self.left -= size
            if made is not None:
                out += [f"{directive.indent}{line}" if line else "" for line in made]
            elif level < MOST_LEVELS and directive.name not in {"code-block", "code", "literalinclude"}:
                begin = directive.begin + 1
                inside = self.lines(lines[begin : begin + len(directive.body)], places, number + 1, level + 1)
                out += [lines[directive.begin], *inside, *lines[begin + len(directive.body) : directive.end]]
            else:
                out += lines[directive.begin : directive.end]
            done = directive.end
        return out + self._snippets(lines[done:], places, first + done)

    def _snippets(self, lines: list[str], places: tuple[str, ...], first: int) -> list[str]:
        """Lines without directives; MkDocs brings in files by a pair of scissors."""
        if not any("8<" in line for line in lines):
            return lines
        out: list[str] = []
        around = [offset for offset, line in enumerate(lines) if _SCISSORS.match(line)]
        listed = {
            offset for begin, end in zip(around[::2], around[1::2], strict=False) for offset in range(begin, end + 1)
        }
        for offset, line in enumerate(lines):
            found = _SNIPPET.match(line)
            target, indent = (found["target"], found["indent"]) if found else ("", "")
            if offset in listed:
                target, indent = line.strip(), line[: len(line) - len(line.lstrip(" "))]
                if not target or offset in around or target.startswith(";"):
                    continue
            made = target and self._include(target, {"rooted": ""}, places, first + offset)
            out += [f"{indent}{each}" for each in made] if made else [line]
        return out

    def _made(self, name: str, argument: str, body: list[str], places: tuple[str, ...], line: int) -> list[str] | None:
        if name not in INCLUDING:
            return None
        options, inside = parted(body)
        if name == "include" and not ("literal" in options or "code" in options):
            return self._include(argument, options, places, line)
        if name.startswith("csv-table") and "file" not in options:
            return _rows("\n".join(inside), options, argument)
        target = options.get("file", "") or argument
        file = self._file(target, places, line)
        if file is None:
            return None
        try:
            if name.startswith("csv-table"):
                made = _rows(file.text, options, argument)
                return [*made, f"[{_name(target)}](<{target}>)", ""]
            if name.startswith("jsoninclude"):
                return _json(name, file.text, options, target)
            language = options.get("language") or options.get("code") or _language(target)
            return _shown(_part(file.text, options), language, options.get("caption", ""), target)
        except (ValueError, KeyError, IndexError, RecursionError, csv.Error):
            self.problems.append(Problem(line, target, BAD))
            return None

    def _include(
        self, target: str, options: Mapping[str, str], places: tuple[str, ...], line: int
    ) -> list[str] | None:
        file = self._file(target, places, line, is_rooted="rooted" in options)
        if file is None:
            return None
        if file.place in places:
            self.problems.append(Problem(line, target, CYCLE))
            return []
        if len(places) > MOST_LEVELS:
            self.problems.append(Problem(line, target, LARGE))
            return []
        text = _part(file.text, options)
        return ["", *self.lines(text.split("\n"), (*places, file.place), line), ""]

    def _file(self, target: str, places: tuple[str, ...], line: int, *, is_rooted: bool = False) -> File | None:
        if not target:
            return None
        # As a file says it, then as the file says it that brings that one in.
        tried = [self.read(f"/{target}", places[0])] if is_rooted else []
        for place in dict.fromkeys(reversed(places)):
            if not any(isinstance(each, File) for each in tried):
                tried.append(self.read(target, place))
        found = next((each for each in tried if isinstance(each, File)), None)
        if found is None:
            self.problems.append(Problem(line, target, str(tried[0])))
            return None
        self.targets.append(target)
        return found


def _name(target: str) -> str:
    return target.rstrip("/").rpartition("/")[2]


def _language(target: str) -> str:
    ending = _name(target).rpartition(".")[2].lower()
    return _CODE_OF.get(ending, ending if ending.isalnum() else "")


def _shown(text: str, language: str, title: str, target: str) -> list[str]:
    """Code in a block with a title that leads to the file."""
    name = _name(target)
    words = f"{title} ({name})" if title else name
    return admonition("directive", f"[{re.sub(r'[][<>*_`]', '', words)}](<{target}>)", _fenced(text, language))


def _fenced(text: str, language: str) -> list[str]:
    # Tildes, lest the block ends the directive of backticks that it may stand in.
    longest = max((len(run) for run in re.findall(r"~+", text)), default=0)
    fence = "~" * max(longest + 1, 3)
    return [f"{fence}{language}", *text.strip("\n").split("\n"), fence]


def _json(name: str, text: str, options: Mapping[str, str], target: str) -> list[str]:
    value = _at(json.loads(text), options.get("jsonpointer", ""))
    if name == "jsoninclude-quote" and isinstance(value, str):
        return ["", *(f"> {line}".rstrip() for line in value.split("\n")), ""]
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if text.count("\n") > MOST_JSON_LINES:
        text = json.dumps(
            _folded(value, frozenset(re.findall(r"\w+", options.get("expand", "")))), indent=2, ensure_ascii=False
        )
        text = text.replace(f'"{_FOLDED_OBJECT}"', "{…}").replace(f'"{_FOLDED_LIST}"', "[…]")
    return _shown(text, "json", options.get("title", ""), target)


def _folded(value: Any, open_keys: frozenset[str]) -> Any:
    """A value with what is not to be opened folded up, as the viewers of other tools show it; its file has all."""
    if isinstance(value, list):
        return [_folded(each, open_keys) for each in value[:MOST_JSON_ITEMS]]
    if not isinstance(value, dict):
        return value
    return {
        key: _folded(inner, open_keys) if key in open_keys or not isinstance(inner, dict | list) or not inner
        else (_FOLDED_OBJECT if isinstance(inner, dict) else _FOLDED_LIST)
        for key, inner in value.items()
    }  # fmt: skip


def _at(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to.

    :raises KeyError, IndexError, ValueError: if it leads nowhere.
    """
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _rows(text: str, options: Mapping[str, str], caption: str) -> list[str]:
    delimiter = {"tab": "\t", "space": " "}.get(options.get("delim", ""), options.get("delim", ",")) or ","
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter[:1], skipinitialspace=True)
    rows = []
    for row in reader:
        if any(cell.strip() for cell in row):
            rows.append([re.sub(r"\s*\n\s*", "<br>", cell.strip()) for cell in row[:MOST_COLUMNS]])
        if len(rows) > MOST_ROWS:
            rows[-1] = ["…"]
            break
    headings = options.get("header-rows", "0")
    if header := options.get("header", ""):
        rows.insert(0, next(csv.reader([header], skipinitialspace=True)))
    if wanted := options.get("included_cols") or options.get("included-cols"):
        # Counted from 0, in the order in which they are to stand.
        columns = [int(number) for number in wanted.replace(",", " ").split()]
        rows = [[row[each] for each in columns if each < len(row)] for row in rows]
    return table(rows, 1 if header else int(headings) if headings.isdigit() else 0, caption)


def _part(text: str, options: Mapping[str, str]) -> str:
    """The part of a text that options name: by lines, or by words before and after it."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if wanted := options.get("lines", ""):
        kept = []
        for piece in wanted.split(","):
            begin, hyphen, end = piece.strip().partition("-")
            first = int(begin or 1)
            last = (int(end) if end else len(lines)) if hyphen else first
            kept += lines[first - 1 : last]
        lines = kept
    begin, end = options.get("start-line", ""), options.get("end-line", "")
    lines = lines[int(begin) if begin else 0 : int(end) if end else None]
    text = "\n".join(lines)
    if (after := options.get("start-after", "")) and after in text:
        text = text.partition(after)[2]
    if (before := options.get("end-before", "")) and before in text:
        text = text.partition(before)[0]
    return text
