"""HTML made harmless, as the last step of everything that is ever shown.

Limits come first, because the sanitiser is slow on deep nesting (100,000 nested elements take it minutes): what is over them
is shown as plain text.
"""

import html as html_module
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import nh3

Kind = Literal["article", "message", "mail"]

MOST_BYTES = 1_000_000
MOST_TAGS = 50_000
MOST_DEPTH = 256
SCHEMES = {"http", "https", "mailto"}

_TEXT_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var", "img", "details", "summary", "figure", "figcaption",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "ol": {"start"},
    "abbr": {"title"},
    "code": {"translate"},
}
# Made by our own renderer only; nobody can give a class or an id that means something to a page.
_CLASSES = {
    "admonition", "admonition-title", "note", "tip", "hint", "warning", "danger", "important", "caution", "attention", "error",
    "seealso", "highlight", "directive", "directive-name", "task-list", "task-list-item", "footnote", "footnote-ref",
    "footnote-backref", "headerlink", "table-scroll",
}  # fmt: skip
_TOKEN = re.compile(r"^[a-z][a-z0-9]{0,2}$")
_ARTICLE_ID = re.compile(r"^(?:h|fn|fnref)-[\w.:-]{1,120}$")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
_STRANGE = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")


def clean(html: str, *, kind: Kind, cids: Mapping[str, str] | None = None) -> str:
    """HTML that can do nothing but be read; cleaning it twice changes nothing more.

    :param kind: article (headings keep anchors, our own pictures are shown), message (no pictures), or mail (only pictures
        that came with the mail).
    :param cids: for a mail, Content-ID -> address of the picture on this site.
    """
    if _is_over_limits(html):
        return f"<pre>{html_module.escape(html[:MOST_BYTES])}</pre>"

    def attribute(tag: str, name: str, value: str) -> str | None:
        return _attribute(tag, name, value, kind, cids or {})

    attributes = {tag: set(names) for tag, names in _ATTRIBUTES.items()}
    attributes["*"] = {"class", "id", "lang", "dir"} if kind == "article" else {"lang", "dir"}
    cleaned = nh3.clean(
        html, tags=_TEXT_TAGS, clean_content_tags={"script", "style", "svg", "math", "template", "noscript", "textarea", "title"},
        attributes=attributes, attribute_filter=attribute, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )  # fmt: skip
    return _without_bare_pictures(cleaned)


def safe_url(url: str) -> str:
    """An address that may become a link, or "": http, https and mailto, and paths of this site."""
    stripped = url.strip()
    if not stripped or _STRANGE.search(stripped) or "\\" in stripped or stripped.startswith("//"):
        return ""
    head = re.split(r"[/?#]", stripped, maxsplit=1)[0]
    if ":" in head and head.partition(":")[0].lower() not in SCHEMES:
        return ""
    try:
        parts = urlsplit(stripped)
    except ValueError:
        return ""
    if parts.scheme in {"http", "https"} and (not parts.netloc or "@" in parts.netloc):
        return ""
    return stripped


def _attribute(tag: str, name: str, value: str, kind: Kind, cids: Mapping[str, str]) -> str | None:
    if name == "href":
        return safe_url(value) or None
    if name == "src":
        return _picture(value, kind, cids)
    if name == "class":
        kept = [word for word in value.split() if word in _CLASSES or (tag in {"span", "div"} and _TOKEN.match(word))]
        return " ".join(kept) or None
    if name == "id":
        return value if _ARTICLE_ID.match(value) else None
    if name in {"width", "height", "colspan", "rowspan", "start"}:
        return value if value.isascii() and value.isdigit() and len(value) <= 4 else None
    if name == "align":
        return value if value in {"left", "right", "center"} else None
    if name == "dir":
        return value if value in {"ltr", "rtl", "auto"} else None
    if name == "lang":
        return value if re.fullmatch(r"[A-Za-z0-9-]{1,35}", value) else None
    return value


def _picture(value: str, kind: Kind, cids: Mapping[str, str]) -> str | None:
    if kind == "mail" and value.startswith("cid:"):
        value = cids.get(value.removeprefix("cid:"), "")
        return value if value.startswith("/") and not value.startswith("//") else None
    address = safe_url(value)
    is_ours = bool(address) and not urlsplit(address).scheme and not address.startswith("//")
    return address if kind == "article" and is_ours else None


def _without_bare_pictures(html: str) -> str:
    """Put its words in the place of a picture that may not be loaded."""

    def replace(match: re.Match[str]) -> str:
        tag = match[0]
        if " src=" in tag:
            return tag
        alt = re.search(r' alt="([^"]*)"', tag)
        return f"[{alt[1]}]" if alt and alt[1].strip() else ""

    return re.sub(r"<img\b[^>]*>", replace, html)


def _is_over_limits(html: str) -> bool:
    if len(html) > MOST_BYTES or len(html.encode("utf-8", "replace")) > MOST_BYTES:
        return True
    depth = deepest = count = 0
    for match in _TAG.finditer(html):
        count += 1
        if match[2].lower() in _VOID:
            continue
        depth = max(depth - 1, 0) if match[1] else depth + 1
        deepest = max(deepest, depth)
        if count > MOST_TAGS:
            return True
    return deepest > MOST_DEPTH
