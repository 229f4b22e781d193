"""HTML made harmless, as the last step of everything that is ever shown.

Twice over: the markup is written anew in order (`core.html_tidy`), with the links and pictures that it may have, and
then nh3 reads that and keeps what is on the lists below. Neither relies on the other.
"""

import html as html_module
import re
from collections.abc import Mapping
from functools import partial
from typing import Literal
from urllib.parse import unquote, urlsplit

import nh3
from pygments.token import STANDARD_TYPES

from core.html_text import html_text
from core.html_tidy import readable, tidy, written

Kind = Literal["article", "message", "mail"]

MOST_BYTES = 1_000_000
MOST_TAGS = 50_000
MOST_OF_URL = 8_192
SCHEMES = frozenset({"http", "https", "mailto"})
OTHER_SITE = "noopener noreferrer nofollow"
THIS_SITE = "noopener noreferrer"

_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em"),
    *("figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol"),
    *("p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td"),
    *("tfoot", "th", "thead", "tr", "u", "ul", "var"),
}
_ATTRIBUTES = {
    "a": {"href", "title", "rel"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "ol": {"start"},
    "abbr": {"title"},
    "*": {"lang", "dir", "class", "id"},
}
_WITHOUT_CONTENT = {
    *("script", "style", "svg", "math", "template", "title", "textarea", "iframe", "xmp", "noembed", "noframes")
}
# The names that our own renderers use, and those of Pygments: nobody can take the look of a button or a menu.
_ARTICLE_CLASSES = frozenset(name for name in STANDARD_TYPES.values() if name) | {
    *("admonition", "admonition-title", "note", "tip", "hint", "warning", "danger", "important", "caution"),
    *("attention", "error", "seealso", "highlight", "directive", "directive-name", "task-list", "task-list-item"),
    *("footnote", "footnote-ref", "footnote-backref", "remote-picture"),
}
_CLASSES = {"article": _ARTICLE_CLASSES, "message": frozenset[str](), "mail": frozenset({"remote-picture"})}
# No page of ours has ids with these beginnings, so that a text cannot stand for anything of a page.
_ARTICLE_ID = re.compile(r"(?:h|fn|fnref\d{0,4})-[\w.:-]{1,120}")
_DECORATED = {
    "scope": {"row", "col"},
    "align": {"left", "right", "center"},
    "dir": {"ltr", "rtl", "auto"},
    "rel": {OTHER_SITE, THIS_SITE},
}
_SIZES = {"width", "height", "colspan", "rowspan", "start"}
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
# Control characters, blanks of all kinds, and what is not seen: an address may not hide behind them.
_STRANGE = re.compile(
    r"[\x00-\x20\x7f-\xa0\xad\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\uffff]"
)
_OUR_PICTURES = re.compile(r"(?:/[\w.~-]+)*/kb/files/[^?#\\]+")


def clean(html: str, *, kind: Kind, cids: Mapping[str, str] | None = None) -> str:
    """HTML that can do nothing but be read; cleaning it again changes nothing.

    What is over the limits (1 MB, 50,000 tags) is shown as plain text. Pictures of other sites become links to them.

    :param kind: article (headings keep anchors; relative links and our own pictures are kept), message (no pictures,
        no classes, relative links only from the root), or mail (pictures that came with it; no relative links).
    :param cids: for a mail, Content-ID -> address of that picture on this site.
    """
    kept = cleaned(html, kind=kind, cids=cids)
    return preformatted(html_text(html)) if kept is None else kept


def cleaned(html: str, *, kind: Kind, cids: Mapping[str, str] | None = None) -> str | None:
    """`clean`, for who has something better to show than plain text: None for what is over the limits."""
    pictures = dict(cids or {}) if kind == "mail" else {}
    before = html
    # The second pass proves that nothing changes any more. More than three were never seen to be needed.
    for _ in range(5):
        after = _pass(before, kind, pictures)
        if after is None or after == before:
            return after
        before = after
    return None


def preformatted(text: str) -> str:
    """Plain text as it is, in a block that keeps its lines; at most about 1 MB of it."""
    escaped = html_module.escape(readable(text).replace("\xa0", " ").strip("\n"), quote=False)
    shown = escaped.encode()[: MOST_BYTES - 100].decode("utf-8", "ignore")
    if len(shown) < len(escaped):
        # Not in the middle of a character reference.
        shown = re.sub(r"&[a-z]{0,4}$", "", shown)
    return f"<pre>{shown}</pre>"


def safe_url(url: str) -> str:
    """An address that may become a link, "" if it may not.

    Allowed are http and https (without a user name), mailto, and addresses relative to this site. As browsers do
    (https://url.spec.whatwg.org/), it drops line breaks and tabs; it refuses other characters that cannot be seen, and
    backslashes.
    """
    address = re.sub(r"[\t\r\n]", "", url).strip(" ").replace(" ", "%20")
    if not address or len(address) > MOST_OF_URL or _STRANGE.search(address) or address.startswith("//"):
        return ""
    head = re.split(r"[/?#]", address, maxsplit=1)[0]
    scheme = head.partition(":")[0].lower() if ":" in head else ""
    if (
        (scheme and scheme not in SCHEMES)
        or (not scheme and ":" in head)
        or "\\" in re.split(r"[?#]", address, maxsplit=1)[0]
    ):
        return ""
    if scheme == "mailto":
        return address if len(address) > len("mailto:") else ""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return ""
    return "" if scheme and (not host or "@" in parts.netloc) else address


def is_relative(address: str) -> bool:
    """Whether a safe address stays on this site."""
    return bool(address) and ":" not in re.split(r"[/?#]", address, maxsplit=1)[0] and not address.startswith("//")


def _pass(html: str, kind: Kind, pictures: Mapping[str, str]) -> str | None:
    if len(html) > MOST_BYTES or len(html.encode("utf-8", "replace")) > MOST_BYTES:
        return None
    tidied = tidy(html, partial(_start_tag, kind, pictures), most_tags=MOST_TAGS)
    if tidied is None or len(tidied) > MOST_BYTES:
        return None
    return nh3.clean(
        tidied,
        tags=_TAGS,
        clean_content_tags=_WITHOUT_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=lambda _tag, name, value: _value(kind, pictures, name, value),
        url_schemes=set(SCHEMES),
        link_rel=None,
        strip_comments=True,
    )


def _start_tag(
    kind: Kind, pictures: Mapping[str, str], tag: str, given: dict[str, str], around: list[str]
) -> str | None:
    if tag not in _TAGS:
        return None
    allowed = _ATTRIBUTES.get(tag, set()) | _ATTRIBUTES["*"]
    kept: dict[str, str] = {}
    for name, source in given.items():
        value = _value(kind, pictures, name, source) if name in allowed and name != "rel" else None
        if value is not None:
            kept[name] = value
    if tag == "img" and "src" not in kept:
        return _instead_of_picture(kind, given, around)
    if "href" in kept:
        kept["rel"] = THIS_SITE if is_relative(kept["href"]) else OTHER_SITE
    return written(tag, kept)


def _instead_of_picture(kind: Kind, given: Mapping[str, str], around: list[str]) -> str:
    """The words for a picture that is not loaded, as a link to it where there is none around it."""
    if {given.get("width"), given.get("height")} & {"0", "1"}:
        # It was there to see who reads.
        return ""
    words = " ".join(given.get("alt", "").split())
    shown = html_module.escape(f"[{words or 'image'}]" if kind == "mail" else words or "image", quote=False)
    address = safe_url(given.get("src", ""))
    if "a" in around or is_relative(address) or not address.lower().startswith("http"):
        return shown if words or kind == "mail" else ""
    look = {} if kind == "message" else {"class": "remote-picture"}
    return written("a", {"href": address, **look, "rel": OTHER_SITE}) + f"{shown}</a>"


def _value(kind: Kind, pictures: Mapping[str, str], name: str, value: str) -> str | None:
    """The value that an attribute may have, None if it may not be there."""
    if name == "href":
        address = safe_url(value)
        # A message is also read in a mail, where only addresses from the root can be made whole.
        is_kept = not is_relative(address) or kind == "article" or (kind == "message" and address.startswith("/"))
        return address if address and is_kept else None
    if name == "src":
        return _picture(kind, pictures, value)
    if name == "class":
        return " ".join(word for word in value.split() if word in _CLASSES[kind]) or None
    if name == "id":
        return value if kind == "article" and _ARTICLE_ID.fullmatch(value) else None
    if name in _SIZES:
        return value if value.isascii() and value.isdigit() and len(value) <= 4 else None
    if name in _DECORATED:
        return value if value in _DECORATED[name] else None
    if name == "lang":
        return value if _LANGUAGE.fullmatch(value) else None
    return value if name in {"title", "alt"} else None


def _picture(kind: Kind, pictures: Mapping[str, str], value: str) -> str | None:
    if kind == "mail":
        mapped = (
            pictures.get(value.strip().removeprefix("cid:").strip("<>"), "")
            if value.strip().startswith("cid:")
            else value
        )
        ours = safe_url(mapped) if mapped in pictures.values() else ""
        return ours if is_relative(ours) else None
    address = safe_url(value) if kind == "article" else ""
    if not is_relative(address):
        return None
    path = unquote(urlsplit(address).path)
    if ".." in path.split("/") or "\\" in path:
        return None
    return address if not path.startswith("/") or _OUR_PICTURES.fullmatch(path) else None
