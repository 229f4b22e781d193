"""Addresses of articles and past answers: the readable last part, and the whole path."""

import re
import unicodedata
from collections.abc import Container
from functools import lru_cache
from urllib.parse import quote, urlsplit

from flask import current_app

LENGTH = 120

_SLUG = re.compile(r"[^\W_A-Z]+(?:-[^\W_A-Z]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,4})?")
_BETWEEN = re.compile(r"[\W_]+")


def slugify(text: str) -> str:
    """Words of a text in lower case with hyphens between, accents dropped; "" if it has no words."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char)).lower()
    slug = _BETWEEN.sub("-", unicodedata.normalize("NFC", plain)).strip("-")
    if len(slug) <= LENGTH:
        return slug
    head = slug[:LENGTH]
    return (head.rpartition("-")[0] if slug[LENGTH] != "-" and "-" in head[LENGTH // 2 :] else head).strip("-")


def is_slug(text: str) -> bool:
    """Whether a text can stand in an address as it is: letters in lower case and digits, single hyphens between."""
    return len(text) <= 200 and _SLUG.fullmatch(text) is not None and text == text.lower()


def is_language(code: str) -> bool:
    """Whether a text looks like the code of a language: en, pt-br."""
    return _LANGUAGE.fullmatch(code) is not None and len(code) <= 8


def unique(slug: str, taken: Container[str]) -> str:
    """A slug that is not taken, with a number at its end if need be."""
    base, number = slug or "untitled", 2
    slug = base
    while slug in taken:
        slug = f"{base}-{number}"
        number += 1
    return slug


def article_path(language: str, slug: str) -> str:
    """Where an article is read, on this site."""
    return f"{_root()}/kb/{language}/{_quoted(slug)}"


def topic_path(language: str, topic: str) -> str:
    """Where the articles of a topic are listed, on this site."""
    return f"{_root()}/kb/?language={quote(language, safe='')}&topic={quote(topic, safe='')}"


def answer_path(slug: str) -> str:
    """Where a past answer is read, on this site."""
    return f"{_root()}/answers/{quote(slug)}"


def file_path(token: str, name: str) -> str:
    """Where a file of the knowledge base is loaded, on this site."""
    # A name of dots alone would be a way up.
    return f"{_root()}/kb/files/{token}/{quote(name if name.strip('.') else 'file', safe='')}"


def _root() -> str:
    # Stored HTML and the index hold these, so they cannot be built from a request.
    return _path_of(current_app.config["BASE_URL"])


@lru_cache(maxsize=16)
def _path_of(base_url: str) -> str:
    return urlsplit(base_url).path.rstrip("/")


# Lists ask for the same hundred addresses again and again.
@lru_cache(maxsize=5000)
def _quoted(slug: str) -> str:
    return quote(slug)
