"""Languages: which one a page or a mail is in, and the names of languages and countries in it."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

import flask_babel
import pycountry
from babel import Locale, UnknownLocaleError
from babel.core import get_global
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, LazyString, force_locale, get_locale, get_translations
from flask_babel import ngettext as ngettext  # noqa: PLC0414 # Re-exported for the parts.
from flask_login import current_user
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from core.db import now

__all__ = ["_", "in_language", "init_app", "language", "lazy", "ngettext"]

OWN_NAMES = {"en": "English", "es": "Español", "fr": "Français"}
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "ps", "dv", "ckb", "yi"})

# Countries that the helpdesk serves which ISO 3166-1 has no code for.
EXTRA_COUNTRIES = ("XK",)


def init_app(app: Flask, languages: tuple[str, ...], time_zone: str) -> None:
    """Set up the catalogues and the filters that templates use for times and names."""
    app.config["BABEL_DEFAULT_LOCALE"] = languages[0]
    app.config["BABEL_DEFAULT_TIMEZONE"] = time_zone
    app.config["LANGUAGES"] = languages
    Babel(app, locale_selector=_select_language, timezone_selector=_select_time_zone)
    app.jinja_env.globals.update(_=_in_template, gettext=_in_template)
    app.jinja_env.filters.update(
        ago=ago, day=day, moment=moment, country_name=country_name, language_name=language_name
    )


def _(message: str, **values: Any) -> str:
    """A sentence in the language of this page or mail, with named values put in."""
    text = _translated(message)
    return text % values if values else text


def lazy(message: str, **values: Any) -> LazyString:
    """A sentence that is put into the reader's language when it is shown."""
    return LazyString(_, message, **values)


# A page says a hundred sentences; each is looked up once in each language. Only sentences of ours come here.
_known: dict[tuple[str, str], str] = {}
_MOST_KNOWN = 20_000


_marked_up: dict[tuple[str, str], Markup] = {}

# The language that `in_language` chose; "" where a request decides.
_spoken: ContextVar[str] = ContextVar("spoken", default="")


def _translated(message: str) -> str:
    key = (language(), message)
    known = _known.get(key)
    if known is None:
        known = str(get_translations().ugettext(message))
        if len(_known) < _MOST_KNOWN:
            _known[key] = known
    return known


@pass_eval_context
def _in_template(context: EvalContext, message: str, **values: Any) -> str:
    """The same for templates; as Jinja's own, what is put in is escaped, and a percent sign is written twice."""
    # Translations are ours; what is put in is escaped.
    if not context.autoescape:
        return _translated(message) % values
    if values:
        return Markup(_translated(message)) % values  # noqa: S704
    key = (language(), message)
    known = _marked_up.get(key)
    if known is None:
        known = Markup(_translated(message)) % {}  # noqa: S704
        if len(_marked_up) < _MOST_KNOWN:
            _marked_up[key] = known
    return known


def language() -> str:
    """The language of this page or mail: en, es or fr."""
    if spoken := _spoken.get():
        return spoken
    # Asked a hundred times for one page: chosen once, and looked up in one step.
    try:
        kept = g._get_current_object()
    except RuntimeError:
        return "en"
    chosen: str | None = kept.get("language")
    if chosen is None:
        chosen = str(get_locale() or "en").partition("_")[0]
        if has_request_context():
            kept.language = chosen
    return chosen


@contextlib.contextmanager
def in_language(code: str) -> Iterator[None]:
    """Speak a language for a while, as for a mail; an unknown one falls back to the first of the site."""
    languages = current_app.config["LANGUAGES"]
    chosen = code if code in languages else languages[0]
    token = _spoken.set(chosen)
    try:
        with force_locale(chosen):
            yield
    finally:
        _spoken.reset(token)


def _select_language() -> str:
    languages: tuple[str, ...] = current_app.config["LANGUAGES"]
    if not has_request_context():
        return languages[0]
    for choice in (getattr(current_user, "language", ""), request.cookies.get("language", "")):
        if choice in languages:
            return choice
    return request.accept_languages.best_match(languages) or languages[0]


def _select_time_zone() -> str | None:
    return (getattr(current_user, "time_zone", "") or None) if has_request_context() else None


def ago(time: datetime | None) -> Markup:
    """A time as “3 hours ago”, with the exact moment for hover and for screen readers."""
    if time is None:
        return Markup("")
    relative = flask_babel.format_timedelta(time - now(), add_direction=True, granularity="minute", threshold=1.2)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time.isoformat(timespec="seconds"), moment(time), relative
    )


def age(time: datetime | None) -> str:
    """How long since a time, short: “3 hours”."""
    return flask_babel.format_timedelta(now() - time, granularity="minute", threshold=1.2) if time else ""


def day(time: datetime | None) -> str:
    """The date, in the reader's language and time zone."""
    return flask_babel.format_date(time, "medium") if time else ""


def moment(time: datetime | None) -> str:
    """Date, hour and time zone, in the reader's language."""
    return _moment(language(), str(flask_babel.get_timezone()), time) if time else ""


def country_name(code: str) -> str:
    """The name of a country (ISO 3166-1 alpha-2, or XK) in the reader's language; the code itself if unknown."""
    return _country_names(language()).get(code, code)


def language_name(code: str) -> str:
    """The name of a language (ISO 639) in the reader's language; the code itself if unknown."""
    # Beyond the two-letter codes that are offered, others are known by name too: Filipino, Quechua in its kinds.
    return _language_names(language()).get(code) or Locale.parse(language()).languages.get(code, code)


def country_codes() -> frozenset[str]:
    """Every code that a country may have."""
    return frozenset(country.alpha_2 for country in pycountry.countries) | frozenset(EXTRA_COUNTRIES)


def country_choices() -> list[tuple[str, str]]:
    """(code, name) of all countries, by name in the reader's language."""
    return _sorted_choices("country", language())


def language_choices() -> list[tuple[str, str]]:
    """(code, name) of the languages that people write to us in, by name in the reader's language."""
    return _sorted_choices("language", language())


def time_zones() -> list[str]:
    """IANA names of the time zones that people can choose."""
    return sorted(
        name for name in get_global("zone_territories") if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    )


@lru_cache(maxsize=20_000)
def _moment(_language: str, _time_zone: str, time: datetime) -> str:
    # Lists show the same moments again and again, and Babel takes its time over each.
    return f"{flask_babel.format_datetime(time, 'medium')} {flask_babel.format_datetime(time, 'z')}"


@lru_cache
def _sorted_choices(kind: str, code: str) -> list[tuple[str, str]]:
    names = _country_names(code) if kind == "country" else _language_names(code)
    return sorted(names.items(), key=lambda item: _fold(item[1]))


@lru_cache
def _country_names(code: str) -> dict[str, str]:
    territories = Locale.parse(code).territories
    return {alpha: territories.get(alpha, alpha) for alpha in country_codes()}


@lru_cache
def _language_names(code: str) -> dict[str, str]:
    locale = Locale.parse(code)
    names = {}
    for item in pycountry.languages:
        two = getattr(item, "alpha_2", "")
        if two and two in locale.languages:
            with contextlib.suppress(UnknownLocaleError):
                names[two] = locale.languages[two]
    return names


def _fold(text: str) -> str:
    import unicodedata  # Only needed once per language, for sorting.

    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()


def time_tag(time: datetime) -> Markup:
    """The exact moment as a <time> element."""
    return Markup('<time datetime="{}">{}</time>').format(time.isoformat(timespec="seconds"), escape(moment(time)))
