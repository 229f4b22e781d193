"""A file of Markdown and the article that it is: what the file says, what follows from its path, and the way back."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pycountry

from core.exceptions import Refused
from core.i18n import _
from kb import front_matter
from kb.models import PUBLIC, PUBLISHED, VISIBILITIES
from kb.slugs import is_language, is_slug, slugify
from kb.states import STATES

# Names of the head that are ours, in the order in which they are written.
NAMES = ("title", "slug", "topic", "language", "visibility", "tags", "summary", "state")
# Names of the head that put an article into collections.
IN_COLLECTIONS = ("collection", "order")

TITLE_LENGTH = 300
SUMMARY_LENGTH = 1000
TAG_LENGTH = 60
MOST_TAGS = 30

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[`*_]+(?=\S)|(?<=\S)[`*_]+|\{#[^}]*\}\s*$")


@dataclass(frozen=True, kw_only=True)
class Details:
    """What an article is called, where it stands and who may read it."""

    title: str
    slug: str
    topic: str = "other"
    language: str = "en"
    visibility: str = PUBLIC
    tags: tuple[str, ...] = ()
    summary: str = ""
    state: str = PUBLISHED


@dataclass(frozen=True, kw_only=True)
class Page:
    """A file as an article. ``head`` and ``body`` are the file as it was; ``others`` are fields that are not ours.

    ``has_slug`` says whether the file named its slug itself, so that it cannot be changed to make it unique.
    """

    path: str
    head: str
    body: str
    details: Details
    others: dict[str, Any]
    has_slug: bool

    @property
    def collections(self) -> dict[str, float | None]:
        """The collections that the file names, by title or address, with its place in each if it says so."""
        return collections_in(self.others)


def read(path: str, text: str, *, language: str = "en") -> Page:
    """Read a file.

    :param path: its place in the folder, with slashes.
    :param language: of files that say nothing of it, neither inside nor by their folder.
    :raises Refused: with a sentence, if the head cannot be read or says what cannot be.
    """
    if not text.strip("\ufeff \t\r\n"):
        raise Refused(_("The file is empty."))
    parts = front_matter.split(text)
    try:
        details = _details(parts, path, language)
    except Refused as error:
        line = front_matter.line_of(parts.head, error.field)
        if not line:
            raise
        raise Refused(_("Line %(line)s: %(problem)s", line=line, problem=str(error)), error.field) from None
    others = {name: value for name, value in parts.fields.items() if name not in NAMES}
    return Page(
        path=path,
        head=parts.head,
        body=parts.body,
        details=details,
        others=others,
        has_slug=bool(parts.words.get("slug")),
    )


def _details(parts: front_matter.Split, path: str, language: str) -> Details:
    fields = parts.words
    return Details(
        title=_title(fields.get("title"), path, parts.body),
        slug=_slug(fields.get("slug"), path),
        topic=slugify(_text(fields, "topic"))[:60] or _folder_topic(path),
        language=_language(fields, path, language),
        visibility=_one_of(fields, "visibility", VISIBILITIES, PUBLIC),
        tags=_tags(fields.get("tags")),
        summary=one_line(_text(fields, "summary"))[:SUMMARY_LENGTH],
        state=_one_of(fields, "state", STATES, PUBLISHED),
    )


def _tags(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        raise Refused(_("“%(name)s” in the front matter must be a list.", name="tags"), "tags")
    return clean_tags(value)


def write(
    path: str, body: str, details: Details, *, head: str | None = None, others: Mapping[str, Any] | None = None
) -> str:
    """The file of an article: with the head that it came with while that still says the truth, else with a new one.

    :param head: as it was read; None if the article did not come from a file.
    :param others: fields that are not ours; None for those of the head.
    """
    if head is not None:
        try:
            page = read(path, head + body)
        except Refused:
            page = None
        if page is not None and page.body == body and _same(page, details) and others in (None, page.others):
            return head + body
    mark = "\ufeff" if (head or "").startswith("\ufeff") else ""
    values: dict[str, Any] = {**asdict(details), "tags": list(details.tags)}
    values = {name: values[name] for name in NAMES if values[name] or name in {"title", "slug"}}
    values |= {name: others[name] for name in IN_COLLECTIONS if others and name in others}
    return mark + front_matter.dump({**values, **(others or {})}) + body


def collections_in(others: Mapping[str, Any]) -> dict[str, float | None]:
    """The collections that a head names, by title or address, with the place in each where it says one.

    One is ``collection: First steps`` with ``order: 2``; several are two lists of the same length.
    """
    named, order = (others.get(name) for name in IN_COLLECTIONS)
    names = [one_line(name)[:TITLE_LENGTH] for name in _each(named) if isinstance(name, str)][:MOST_TAGS]
    places = [place if _is_place(place) else None for place in _each(order)]
    places += [None] * len(names)
    return {name: place for name, place in zip(names, places, strict=False) if slugify(name)}


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_place(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def path_of(language: str, slug: str) -> str:
    """Where an article stands that did not come from a folder."""
    return f"{language}/{slug}.md"


def first_heading(body: str) -> str:
    """The words of the first heading, "" if there is none."""
    found = _first_heading(body)
    return found[0] if found else ""


def without_title(body: str, title: str) -> str:
    """The body without its first heading where that only repeats the title, which stands above the article already."""
    body = body.removeprefix("\ufeff")
    found = _first_heading(body)
    if found is None or found[0].casefold() != title.casefold():
        return body
    lines = body.splitlines(keepends=True)
    if any(line.strip() for line in lines[: found[1]]):
        return body
    return "".join(lines[found[2] :])


def one_line(text: str) -> str:
    """Text without line feeds and control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def clean_tags(value: Any) -> tuple[str, ...]:
    """Tags from a list or from a text with commas: without blanks and doubles, in their order."""
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else ()
    tags = [one_line(str(item))[:TAG_LENGTH] for item in items if not isinstance(item, dict | list)]
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:MOST_TAGS]


def _same(page: Page, details: Details) -> bool:
    read_again = page.details
    if page.has_slug or read_again.slug == details.slug:
        return read_again == details
    # A slug that was made unique when it came in will be made so again.
    numbered = re.fullmatch(re.escape(read_again.slug) + r"-\d+", details.slug) is not None
    return numbered and read_again == Details(**{**asdict(details), "slug": read_again.slug})


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(_("“%(name)s” in the front matter must be a text.", name=name), name)
    return value


def _title(value: Any, path: str, body: str) -> str:
    given = one_line(_text({"title": value}, "title"))
    name = posixpath.basename(path).rpartition(".")[0]
    return (given or first_heading(body) or one_line(name.replace("-", " ").replace("_", " ")) or path)[:TITLE_LENGTH]


def _slug(value: Any, path: str) -> str:
    given = _text({"slug": value}, "slug")
    if given:
        if not is_slug(given):
            raise Refused(
                _("The slug “%(slug)s” may only hold small letters, digits and single hyphens.", slug=given), "slug"
            )
        return given
    parts = [part for part in path.removesuffix(".md").split("/") if not is_known_language(part)] or [path]
    if parts[-1] in {"index", "README", "readme"} and len(parts) > 1:
        parts.pop()
    return slugify(" ".join(parts)) or "article"


def _language(fields: Mapping[str, Any], path: str, otherwise: str) -> str:
    given = _text(fields, "language").strip().lower().replace("_", "-")
    if given:
        if not is_language(given):
            raise Refused(_("“%(code)s” is not the code of a language.", code=given), "language")
        return given
    folders = path.split("/")[:-1]
    return next((folder for folder in folders if is_known_language(folder)), otherwise)


def is_known_language(folder: str) -> bool:
    """Whether a folder is named by the code of a language."""
    return len(folder) == 2 and folder.islower() and pycountry.languages.get(alpha_2=folder) is not None


def _folder_topic(path: str) -> str:
    folders = [folder for folder in path.split("/")[:-1] if not is_known_language(folder)]
    return slugify(folders[0])[:60].strip("-") or "other" if folders else "other"


def _one_of(fields: Mapping[str, Any], name: str, known: tuple[str, ...], otherwise: str) -> str:
    value = _text(fields, name).strip().lower()
    if value and value not in known:
        sentence = _("“%(name)s” in the front matter is “%(value)s”, but may only be one of %(known)s.",
                     name=name, value=value, known=", ".join(known))  # fmt: skip
        raise Refused(sentence, name)
    return value or otherwise


def _first_heading(body: str) -> tuple[str, int, int] | None:
    """Words, first line, and the line after it."""
    fence, before = "", ""
    for number, line in enumerate(body.removeprefix("\ufeff").splitlines()):
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
            continue
        if opened:
            fence, before = opened[1], ""
            continue
        if found := _ATX.match(line):
            if words := _plain(found[1]):
                return words, number, number + 1
        elif before and _UNDERLINE.match(line) and (words := _plain(before)):
            return words, number - 1, number + 1
        before = line if line.strip() and not line.startswith(("    ", "\t", ">", "-", "*", "+", "|", "!!!")) else ""
    return None


def _plain(heading: str) -> str:
    return one_line(_MARKS.sub("", _LINK.sub(r"\1", heading)))
