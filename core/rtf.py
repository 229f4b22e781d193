"""Rich Text Format to text or to the HTML that it wraps, and the compression that Outlook puts around it.

After MS-OXRTFCP (compression) and MS-OXRTFEX (HTML inside RTF). Linear time, bounded, raises nothing but ValueError.
"""

import re

from core.charsets import known

_PREFIX = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4096
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z0-9])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
_LEFT_OUT = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata colorschememapping latentstyles datastore listtable"
    b" listoverridetable rsidtbl generator header footer headerl headerr footerl footerr filetbl revtbl xmlnstbl"
    b" fldinst bkmkstart bkmkend mhtmltag pntext nonshppict".split()
)
_SIGNS = {
    b"par": "\n", b"line": "\n", b"tab": "\t", b"row": "\n", b"cell": " | ", b"emdash": "—", b"endash": "–",
    b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"emspace": " ",
    b"enspace": " ", b"page": "\n", b"sect": "\n",
}  # fmt: skip


def decompressed(data: bytes, *, limit: int) -> bytes:
    """The RTF inside PR_RTF_COMPRESSED. Raises ``ValueError`` if it is none or larger than ``limit`` bytes."""
    if len(data) < 16:
        raise ValueError("The compressed RTF is too short.")
    size = int.from_bytes(data[4:8], "little")
    kind = data[8:12]
    if kind == b"MELA":
        return data[16 : 16 + min(size, limit)]
    if kind != b"LZFu" or size > limit:
        raise ValueError("The compressed RTF is of an unknown kind or too large.")
    window = bytearray(_PREFIX.ljust(_WINDOW, b" "))
    write = len(_PREFIX)
    out = bytearray()
    position = 16
    while position < len(data) and len(out) < size:
        flags = data[position]
        position += 1
        for bit in range(8):
            if position >= len(data) or len(out) >= size:
                break
            if not flags >> bit & 1:
                window[write] = data[position]
                out.append(data[position])
                write = (write + 1) % _WINDOW
                position += 1
                continue
            pair = int.from_bytes(data[position : position + 2], "big")
            position += 2
            read, length = pair >> 4, (pair & 15) + 2
            if read == write:
                return bytes(out)
            for _ in range(length):
                char = window[read]
                out.append(char)
                window[write] = char
                read, write = (read + 1) % _WINDOW, (write + 1) % _WINDOW
    return bytes(out[:size])


def rtf_content(data: bytes) -> tuple[str, bool]:
    """The content of an RTF document and whether it is HTML: what was HTML before it was wrapped is HTML again."""
    html = b"\\fromhtml" in data[:2_000]
    reader = _Reader(html=html)
    for token in _TOKEN.finditer(data):
        reader.take(token)
    return reader.value(), html


class _Reader:
    """The state of one pass: groups nest, and each inherits the state of the one around it."""

    def __init__(self, *, html: bool) -> None:
        self._html = html
        self._out: list[str] = []
        self._bytes = bytearray()
        self._codepage = "cp1252"
        #: Per open group: left out, in an HTML tag, suppressed by \htmlrtf, bytes that stand for a \u character.
        self._state = (False, False, False, 1)
        self._groups: list[tuple[bool, bool, bool, int]] = []
        self._skip = 0
        self._starred = False

    def take(self, token: re.Match[bytes]) -> None:
        word, number, hexed, symbol, brace, text = token.groups()
        if brace == b"{":
            self._flush()
            if len(self._groups) < 1_000:
                self._groups.append(self._state)
        elif brace == b"}":
            self._flush()
            if self._groups:
                self._state = self._groups.pop()
        elif word is not None:
            self._word(word, number)
        elif hexed is not None:
            self._put(bytes([int(hexed, 16)]))
        elif symbol is not None:
            self._symbol(symbol)
        elif text is not None:
            self._put(text)
        if symbol != b"*" and brace != b"{":
            self._starred = False

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._starred = True
        elif symbol in b"\\{}":
            self._put(symbol)
        elif symbol == b"~":
            self._say("\u00a0")
        elif symbol == b"_":
            self._say("-")
        elif symbol in b"\r\n":
            self._say("\n")

    def _word(self, word: bytes, number: bytes | None) -> None:
        out, tag, suppressed, after = self._state
        value = int(number) if number else None
        if word == b"htmltag":
            self._flush()
            self._state = (False, True, False, after)
        elif word == b"htmlrtf":
            self._flush()
            self._state = (out, tag, value != 0, after)
        elif word in _LEFT_OUT or self._starred:
            self._flush()
            self._state = (True, tag, suppressed, after)
        elif word == b"ansicpg" and value:
            self._codepage = known(f"cp{value}") or ("utf-8" if value == 65001 else self._codepage)
        elif word == b"uc" and value is not None:
            self._state = (out, tag, suppressed, min(max(value, 0), 10))
        elif word == b"u" and value is not None:
            self._say(chr(value % 65536))
            self._skip = after
        elif word in _SIGNS and not (tag and word != b"par"):
            self._say(_SIGNS[word] if not self._html or word != b"cell" else "")

    def _put(self, data: bytes) -> None:
        if self._skip:
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            data = data[dropped:]
        if not self._state[0] and not self._state[2]:
            self._bytes += data

    def _say(self, text: str) -> None:
        self._flush()
        if not self._state[0] and not self._state[2]:
            self._out.append(text)

    def _flush(self) -> None:
        if self._bytes:
            self._out.append(self._bytes.decode(self._codepage, "replace"))
            self._bytes.clear()

    def value(self) -> str:
        self._flush()
        return "".join(self._out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
