"""A date as mail programs show it to people, in many languages, to a moment: "mardi 2 novembre 2021, 09:26 UTC+1"."""

import re
from datetime import UTC, datetime, timedelta, timezone

from core.mime_headers import date

#: How the names of the months begin, January first; where two begin alike in two languages, the longer one counts.
_MONTHS = (
    "jan ene gen янв січ sty led sij tammi ιαν студз oca janv يناير كانون",
    "feb fév fev фев феб лют lut úno velj şub helmi φεβ люты veeb vas فبراير شباط",
    "mar mär mrz maa bře ožuj μάρ μαρ мар бер сак kov مارس آذار",
    "apr abr avr ápr апр кві kwi dub tra nis huh απρ крас bal أبريل ابريل نيسان",
    "may mai maj mei mag máj май мая трав may kvě svib tou μάι μαΐ geg مايو أيار",
    "jun juin giu jún июн чер červn červen cze lipanj lipnja haz kes ιουν ιούν чэрв bir يونيو حزيران",
    "jul juil lug júl июл лип červenc lip srpanj srpnja tem hei ιουλ ιούλ ліп lie يوليو تموز",
    "aug ago aoû aou авг сер sie srp kolovoz ağu elo αυγ жні rugp أغسطس آب",
    "sep set szept сен вер wrz zář ruj eyl syy σεπ верас rugs سبتمبر أيلول",
    "oct okt out ott окт жов paź říj eki lok οκτ кастр spa أكتوبر",
    "nov noi ноя ное листоп лис list lis kas stu marras νοε νοέ лістап lap نوفمبر",
    "dec dez dic déc dek des дек гру gru pro ara jou δεκ снеж gruod det ديسمبر",
)
_STEMS = sorted(
    ((stem, number) for number, stems in enumerate(_MONTHS, 1) for stem in stems.split()),
    key=lambda pair: -len(pair[0]),
)
_WORD = re.compile(r"[^\W\d_]{3,20}")
_YEAR = re.compile(r"(?<!\d)((?:19[7-9]|20)\d\d)(?!\d)")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:.hH](\d{2})(?:[:.](\d{2}))?(?!\d)[ \u202f\u00a0]?([aApP]\.?\s?[mM]\b)?")
_ZONE = re.compile(r"(?:UTC|GMT|\s)\s?([+-]|−)(\d{1,2}):?(\d{2})?(?!\d)")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,4})[./-]\s?(\d{1,2})[./-]\s?(\d{2,4})(?!\d)")
_CJK = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_DAY = re.compile(r"(?<![\d:.])(\d{1,2})(?![\d:]|\.\d)")
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")


def shown_date(text: str, *, month_first: bool = False) -> datetime | None:
    """The moment that ``text`` names, in UTC; without a zone it is taken for UTC. None if no date can be made out.

    ``month_first`` says how 3/4/2021 is meant when only the language could tell.
    """
    text = " ".join(text[:200].translate(_DIGITS).split())
    exact = date(text) if re.search(r"[+-]\d{4}\b|\b(?:GMT|UTC)$|^\d{4}-\d\d-\d\dT", text) else None
    if exact is not None:
        return exact
    try:
        return _moment(text, month_first=month_first)
    except (ValueError, OverflowError):
        return None


def _moment(text: str, *, month_first: bool) -> datetime | None:
    day = _calendar_day(text, month_first=month_first)
    if day is None:
        return None
    rest = _NUMERIC.sub(" ", text)
    clock = _CLOCK.search(rest)
    hour = minute = second = 0
    if clock is not None:
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        half = (clock[4] or "").lower()[:1]
        before = rest[max(0, clock.start() - 4) : clock.start()]
        if (half == "p" or "下午" in before or "오후" in before or "午後" in before or "晚上" in before) and hour < 12:
            hour += 12
        elif half == "a" and hour == 12:
            hour = 0
        rest = rest[clock.end() :]
    zone = _ZONE.search(f" {rest}") if clock is not None else None
    offset = timedelta(0)
    if zone is not None and int(zone[2]) <= 14:
        offset = timedelta(hours=int(zone[2]), minutes=int(zone[3] or 0)) * (1 if zone[1] == "+" else -1)
    moment = datetime(*day, hour % 24, minute, min(second, 59), tzinfo=timezone(offset)).astimezone(UTC)
    return moment if 1970 <= moment.year < 2100 else None


def _calendar_day(text: str, *, month_first: bool) -> tuple[int, int, int] | None:
    """Year, month and day."""
    asian = _CJK.search(text)
    if asian is not None:
        return int(asian[1]), int(asian[2]), int(asian[3])
    year = _YEAR.search(text)
    # The last one: days of the week, which come first, begin like months ("mar. 2 nov. 2021").
    month = next((number for word in reversed(_WORD.findall(text.lower())) if (number := month_of(word))), 0)
    if year is not None and month:
        others = _CLOCK.sub(" ", text[: year.start()] + " " + text[year.end() :])
        days = [int(each) for each in _DAY.findall(others) if 1 <= int(each) <= 31]
        return (int(year[1]), month, days[0]) if days else None
    numeric = _NUMERIC.search(text)
    if numeric is None:
        return None
    first, middle, last = int(numeric[1]), int(numeric[2]), int(numeric[3])
    if first > 31:
        return first, middle, last
    last += 2000 if last < 70 else 1900 if last < 100 else 0
    if middle > 12 or (month_first and first <= 12):
        return last, first, middle
    return last, middle, first


def month_of(word: str) -> int:
    """The number of the month that a word names, 0 for none."""
    return next((number for stem, number in _STEMS if word.startswith(stem)), 0)
