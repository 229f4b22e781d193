"""Bytes of unknown origin to text: by the declared charset if it fits, else by a detected one. Never raises."""

import codecs
import re
from dataclasses import dataclass

from core.charset_tables import (
    ALIASES,
    CENTRAL,
    CHINESE,
    CHINESE_OLD,
    HEBREW,
    KNOWN,
    MEANS,
    NO_CLAIM,
    RUSSIAN,
    TURKISH,
    WESTERN,
)

_SINGLE_BYTE = ("cp1", "cp4", "cp7", "cp8", "iso8859", "koi8", "mac-", "ascii", "kz", "ptcp", "tis")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 20_000
#: Bytes that are scored for each candidate, from the first line on that has one over 127.
_SCORED = 3_000
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ISO2022_JP = re.compile(rb"\x1b(?:\$[@B]|\([JI])")
#: What UTF-8 looks like when its bytes are read as Windows-1252: a lead character and one that it can go before.
_TWICE = re.compile("[Â-ßà-ô][\x80-¿ŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


@dataclass(frozen=True)
class Decoded:
    """Text, the charset that made it, and a sentence if that was not the declared one."""

    text: str
    charset: str
    problem: str = ""


def _from_windows(error: UnicodeError) -> tuple[str, int]:
    """Read stray bytes inside UTF-8 as Windows-1252, which is what they almost always are."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return bad.decode("cp1252", "replace"), error.end


codecs.register_error("stray-windows-1252", _from_windows)


def _as_byte(error: UnicodeError) -> tuple[bytes, int]:
    """Write the characters that Windows-1252 lacks but its bytes stand for as those bytes."""
    if not isinstance(error, UnicodeEncodeError) or not "\x80" <= error.object[error.start] <= "\x9f":
        raise error
    return bytes([ord(error.object[error.start])]), error.start + 1


codecs.register_error("missing-in-windows-1252", _as_byte)


def known(label: str) -> str:
    """The codec that a charset label stands for, or "" if it is not a charset for text."""
    name = label.strip().strip("\"'").strip().lower()
    if len(name) > 40 or not name.isascii():
        return ""
    name = name.partition("*")[0]
    if name in ALIASES:
        return ALIASES[name]
    name = re.sub(r"^(?:charset=|x-)", "", name)
    try:
        found = codecs.lookup(re.sub(r"^(?:windows|win|cp)[-_ ]?(\d{3,4})$", r"cp\1", name)).name
    except (LookupError, ValueError):
        return ""
    return MEANS.get(found, found) if found in KNOWN else ""


def decode(data: bytes, declared: str = "") -> Decoded:
    """Decode ``data``: by its declared charset when the bytes fit, else by what they look like.

    ``declared`` is the label as it stands in the mail, "" if there is none. The result says so if it was not followed.
    """
    claimed = known(declared)
    says_nothing = declared.strip().strip("\"'").lower() in NO_CLAIM
    if data.isascii() and claimed in {"", "ascii", "utf-8", "cp1252"} and b"\x1b" not in data:
        unknown = not claimed and not says_nothing
        return Decoded(data.decode("ascii"), "ascii", _unknown(declared, "ascii") if unknown else "")
    for mark, name in _BOMS:
        # The mark of UTF-16 is also two letters (“юя”, “яю”, “þÿ”) of single-byte charsets, which have no zero bytes.
        is_open = claimed.startswith(_SINGLE_BYTE) and (name == "utf-8" or b"\0" in data)
        if data.startswith(mark) and (claimed in ("", name) or is_open):
            return Decoded(data.decode(name, "replace").removeprefix("\ufeff"), name)
    if data.isascii() and _ISO2022_JP.search(data) and not claimed.startswith(("iso2022", "utf-7", "hz")):
        return Decoded(data.decode("iso2022_jp", "replace"), "iso2022_jp", "The text is in ISO-2022-JP undeclared.")
    if claimed and claimed != "ascii":
        fitting = _as_claimed(data, claimed)
        if fitting is not None:
            return fitting
    detected = detect(data)
    text_errors = "stray-windows-1252" if detected == "utf-8" else "replace"
    text = data.decode(detected, text_errors)
    if not declared.strip():
        problem = ""
    elif not claimed and not says_nothing:
        problem = _unknown(declared, detected)
    elif claimed:
        problem = f"The text is not in the charset that it declares ({_short(declared)}); read as {detected}."
    else:
        problem = f"The charset is not declared; read as {detected}."
    return Decoded(text, detected, problem)


def _as_claimed(data: bytes, claimed: str) -> Decoded | None:
    """The text by its declared charset, or None if the bytes speak against it."""
    single = claimed.startswith(_SINGLE_BYTE)
    if single:
        if not data.isascii() and _is_utf8(data):
            return Decoded(data.decode("utf-8"), "utf-8", f"The text declares {claimed} but is in UTF-8.")
        if claimed == "cp1252" and _long_runs(data):
            better = detect(data)
            if better != "cp1252":
                return Decoded(
                    data.decode(better, "replace"), better, f"The text declares {claimed} but looks like {better}."
                )
        return Decoded(data.decode(claimed, "replace"), claimed)
    if claimed.startswith("utf-16") and len(data) % 2:
        # The line end that the mail adds is one byte.
        data = data[:-1]
    try:
        text = data.decode(claimed)
        return _once(text) if claimed == "utf-8" else Decoded(text, claimed)
    except UnicodeError:
        pass
    errors = "stray-windows-1252" if claimed == "utf-8" else "replace"
    if claimed == "utf-8":
        if not _mostly_utf8(data[:_SAMPLE]):
            return None
        return Decoded(data.decode("utf-8", errors), claimed, "Some bytes of the text are not valid UTF-8.")
    text = data.decode(claimed, errors)
    lost = text.count("\ufffd")
    if lost * 10 > max(1, sum(not char.isascii() for char in text[:_SAMPLE])):
        return None
    return Decoded(text, claimed, f"Some bytes of the text are not valid in {claimed}.")


def _once(text: str) -> Decoded:
    """Text in UTF-8, put right if all of it was encoded twice, the second time as if it were Windows-1252."""
    if len(_TWICE.findall(text[:_SAMPLE])) < 2:
        return Decoded(text, "utf-8")
    try:
        better = text.encode("cp1252", "missing-in-windows-1252").decode("utf-8")
    except UnicodeError:
        return Decoded(text, "utf-8")
    return Decoded(better, "utf-8", "The text was encoded in UTF-8 twice.")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(sample: bytes) -> bool:
    """Whether nine tenths of the bytes over 127 are well-formed UTF-8, the rest strays."""
    rest = _UTF8_SEQUENCE.sub(b"", sample)
    stray = sum(map(len, _HIGH_RUN.findall(rest)))
    return stray * 10 <= sum(map(len, _HIGH_RUN.findall(sample))) or len(sample) - len(rest) >= 2 > stray


def _long_runs(data: bytes) -> bool:
    """Whether bytes over 127 stand in long runs, as they never do in a language of western Europe."""
    runs = _HIGH_RUN.findall(data[:_SAMPLE])
    return sum(len(run) for run in runs) >= 8 and sum(len(run) for run in runs if len(run) > 3) * 2 > sum(
        map(len, runs)
    )


def _unknown(declared: str, used: str) -> str:
    return f"The charset {_short(declared)} is unknown; read as {used}."


def _short(label: str) -> str:
    return repr("".join(char for char in label if char.isprintable())[:40])


_SIGNS = frozenset("¿¡«»°ª§©®´²³¹¼½¾¶±¢¥¤¦¬¯¸÷×\xa0")
_LATIN_LETTERS = {"cp1250": CENTRAL, "iso8859-2": CENTRAL, "cp1254": TURKISH}
#: Candidates in order of preference when two score the same.
_CANDIDATES = (
    "cp1252",
    "cp1254",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "koi8-u",
    "cp866",
    "iso8859-5",
    "cp1255",
    "cp874",
    "gb18030",
    "cp932",
    "euc_jp",
    "big5",
    "cp949",
    "cp1256",
    "cp1253",
)


def detect(data: bytes) -> str:
    """The likeliest charset of ``data``; always a codec that Python knows and that decodes anything with "replace"."""
    sample = data[:_SAMPLE]
    if _ISO2022_JP.search(sample) and sample.isascii():
        return "iso2022_jp"
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample, final=len(data) <= _SAMPLE)
        return "utf-8"
    except UnicodeDecodeError:
        pass
    if _mostly_utf8(sample):
        return "utf-8"
    best, best_score = "cp1252", 0.0
    first = _HIGH_RUN.search(sample)
    start = sample.rfind(b"\n", 0, first.start() if first else 0) + 1
    sample = sample[start : start + _SCORED]
    for name in _CANDIDATES:
        score = _score(sample, name)
        if score > best_score:
            best, best_score = name, score
    return best


def _score(sample: bytes, name: str) -> float:
    """How much ``sample`` looks like text in the charset ``name``: points per byte over 127."""
    text = codecs.getincrementaldecoder(name)("replace").decode(sample)
    points, seen = 0.0, False
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char > "\x7f":
            seen = True
            points += _points(name, before, char, after)
    return points / sum(map(len, _HIGH_RUN.findall(sample))) if seen else 0.0


def _points(name: str, before: str, char: str, after: str) -> float:
    if char == "\ufffd" or "\x80" <= char <= "\x9f" or "\ue000" <= char <= "\uf8ff":
        return -6
    among_ascii = (before.isascii() and before.isalpha()) or (after.isascii() and after.isalpha())
    if name == "cp874":
        return _thai_points(before, char, after)
    if name in _LATIN_LETTERS:
        return _latin_points(_LATIN_LETTERS[name], before, char, after)
    if name == "cp1252":
        if char in _SIGNS and before.isalpha() and after.isalpha():
            return -2
        # A letter with an accent stands alone among plain letters; two in a row are rare but for "ção".
        if before in "çÇ" and char in "ãõÃÕéá":
            return 3
        return (
            (3 if before.isascii() and after.isascii() else 1.5 if before.isascii() else -0.5)
            if char in WESTERN
            else -1
        )
    if name in {"cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5"}:
        if char.isalpha() and among_ascii:
            return -2
        if char in RUSSIAN:
            return RUSSIAN[char]
        if char.lower() in RUSSIAN:
            return RUSSIAN[char.lower()] - 0.05 if not before.isalpha() or before.isupper() else -2
        return 0.5 if char in "«»—–№…\xa0" else -2
    if among_ascii and name not in {"cp1256", "cp1253", "cp1255"}:
        return -0.5 if _cjk(char) or "\uac00" <= char <= "\ud7a3" else -2
    if name == "gb18030":
        return (5 if char in CHINESE else 3 if char in "，。：；！？、（）“”《》" else 1.4) if _cjk(char) else -2
    if name == "big5":
        return (5.5 if char in CHINESE_OLD else 3 if char in "，。：；！？、（）「」" else 1.3) if _cjk(char) else -2
    if name in {"cp932", "euc_jp"}:
        if "\u3040" <= char <= "\u30ff":
            return 5
        return 1.5 if _cjk(char) and not "\uff61" <= char <= "\uff9f" else -2
    if name == "cp949":
        return 4 if "\uac00" <= char <= "\ud7a3" else 0 if _cjk(char) else -2
    if among_ascii:
        return -2
    if name == "cp1255":
        return HEBREW.get(char, -1.5)
    if name == "cp1256":
        return 2.2 if char in "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءأإآؤئ،؟" else -1.5
    return 2.2 if char in "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώ" else 0.5 if "Ͱ" <= char <= "Ͽ" else -1.5


def _latin_points(letters: frozenset[str], before: str, char: str, after: str) -> float:
    """A letter with a mark stands mostly among plain letters; a sign never between two letters."""
    if char in letters:
        return 3 if before.isascii() and after.isascii() else 1.5 if before.isascii() or before in letters else -0.5
    return -2 if before.isalpha() or after.isalpha() else 0.5 if char in "–—‘’“”„…«»\xa0§°" else -2


def _thai_points(before: str, char: str, after: str) -> float:
    """A Thai vowel or tone mark stands over a consonant, a leading vowel before one; other texts break that."""
    if "\u0e01" <= char <= "\u0e2e":
        return 1.5
    if char in "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c":
        return 2.5 if "\u0e01" <= before <= "\u0e4c" else -6
    if "\u0e40" <= char <= "\u0e44":
        return 2 if "\u0e01" <= after <= "\u0e2e" else -6
    return 1 if char in "\u0e30\u0e32\u0e33" and "\u0e01" <= before <= "\u0e4c" else -2


def _cjk(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3000" <= char <= "\u30ff" or "\uff00" <= char <= "\uff60"
