"""What was written comes out as it was written: headers, charsets and structures that generators make up."""

import base64
import hashlib
import re
from email.header import Header
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.charsets import decode, known
from core.mime import parse
from core.mime_headers import addresses, decoded, file_name, parameters

#: Letters of several scripts, digits and the marks that mean something in headers.
CHARS = "abcXYZ 019.,;:<>()[]@\"'\\=?_-/%*+éüñçßøłşğžĐдяїҐאשعسया你好日本語한국어😀–“”€"
TEXTS = st.text(st.sampled_from(CHARS), min_size=1, max_size=60).map(lambda text: " ".join(text.split()))
NAMES = st.text(st.sampled_from("abcXYZ 019.,()-_éüñłşдяשع你好日한"), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_subject_written_by_the_standard_library_comes_back(text):
    message = EmailMessage()
    message["From"] = "a@x.example"
    message["Subject"] = text
    message.set_content("x")
    if "=?" not in text:
        assert parse(message.as_bytes()).subject == text
        assert decoded(Header(text, "utf-8").encode().replace("\n", "")) == text


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from("abc =?_éдя你😀"), min_size=1, max_size=30),
    st.lists(st.integers(1, 9), max_size=8),
    st.booleans(),
    st.sampled_from(["", " ", "  ", "\n "]),
)
def test_encoded_words_cut_anywhere_are_put_together(text, cuts, quoted, between):
    """Even in the midst of a character, as many programs cut them."""
    data, words = text.encode(), []
    for cut in [*cuts, len(data)]:
        piece, data = data[:cut], data[cut:]
        if not piece:
            continue
        if quoted:
            words.append("=?utf-8?Q?" + "".join(f"={byte:02X}" for byte in piece) + "?=")
        else:
            words.append("=?utf-8?B?" + base64.b64encode(piece).decode() + "?=")
    assert decoded(between.join(words)) == " ".join(text.split(" ")).strip()


@settings(max_examples=200, deadline=None)
@given(NAMES.filter(lambda name: name.strip(". ") == name), st.integers(1, 30))
def test_a_file_name_in_sections_comes_back(name, length):
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    pieces = [encoded[place : place + 3 * length] for place in range(0, len(encoded), 3 * length)]
    value = "; ".join(
        f"filename*{number}*={'utf-8' + chr(39) * 2 if number == 0 else ''}{piece}"
        for number, piece in enumerate(pieces)
    )
    assert file_name(parameters(f"attachment; {value}")[1]["filename"]) == " ".join(name.split(" "))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.from_regex(r"\A[a-z0-9.+_-]{1,20}\Z").filter(lambda x: ".." not in x)), max_size=6)
)
def test_quoted_names_and_their_addresses_come_back(people):
    people = [(" ".join(name.split()), f"x{local.strip('.')}x@gov.example") for name, local in people]
    value = ", ".join(f'"{name}" <{email}>' for name, email in people)
    assert [(each.name, each.email) for each in addresses(value)] == [
        ("" if name == email else name, email) for name, email in people
    ]


CHARSETS = {
    "iso-8859-1": "aeé ñ çüß", "iso-8859-2": "zażółć ěšřů", "iso-8859-5": "привет", "iso-8859-7": "καλημέρα",
    "iso-8859-9": "ığşçö", "iso-8859-15": "€uro œuf", "windows-1250": "ąęłžťő", "windows-1251": "Дякую їжак",
    "windows-1252": "“é” – €", "windows-1253": "ώρα", "windows-1254": "ğİş", "windows-1255": "שלום", "windows-1256": "سلام",
    "windows-1257": "ąčęėįšų", "windows-1258": "đơư", "koi8-r": "Привет", "koi8-u": "їжак", "gb2312": "你好", "gbk": "你好嗎",
    "gb18030": "你好嗎", "big5": "你好嗎", "shift_jis": "日本語カナ", "euc-jp": "日本語かな", "iso-2022-jp": "日本語 abc",
    "euc-kr": "한국어", "iso-2022-kr": "한국어", "utf-7": "é+д~", "utf-8": "é你😀", "utf-16": "é你", "tis-620": "สวัสดี",
    "macintosh": "éüñ", "ibm866": "привет", "hz-gb-2312": "你好 ab", "windows-874": "สวัสดี",
}  # fmt: skip


@pytest.mark.parametrize("label", CHARSETS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_text_in_its_declared_charset_comes_back(label, data):
    text = data.draw(st.text(st.sampled_from(CHARSETS[label] + " ab\n"), max_size=60))
    codec = known(label)
    if codec == "cp1252":
        # Long runs of letters with accents are in no western language, and taken for another charset.
        text = "x".join(text)
    raw = text.encode(codec)
    # Text that could as well be UTF-8 is read as UTF-8: it almost always is.
    if not (raw.isascii() or label.startswith("utf")) and _is_utf8(raw):
        return
    assert decode(raw, label).text == text


def _is_utf8(raw):
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def leaf(number, kind):
    """A part with words of its own: text or a file."""
    if kind == "text":
        return MIMEText(f"word{number}word é", "plain", "utf-8")
    if kind == "html":
        return MIMEText(f"<p>word{number}word <b>é</b></p>", "html", "utf-8")
    part = MIMEBase("application", "octet-stream")
    part.set_payload(base64.encodebytes(f"file {number}".encode()).decode())
    part["Content-Transfer-Encoding"] = "base64"
    part.add_header("Content-Disposition", "attachment", filename=f"file{number}.bin")
    return part


TREES = st.recursive(
    st.sampled_from(["text", "html", "file"]),
    lambda children: st.tuples(
        st.sampled_from(["mixed", "related", "report", "x-new"]), st.lists(children, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


def built(tree, numbers):
    if isinstance(tree, str):
        numbers.append(tree)
        return leaf(len(numbers), tree)
    whole = MIMEMultipart(tree[0])
    for child in tree[1]:
        whole.attach(built(child, numbers))
    return whole


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.booleans())
def test_every_text_and_every_file_of_a_tree_comes_out_once(tree, with_windows_line_ends):
    numbers = []
    message = built(tree, numbers)
    message["From"] = "a@x.example"
    raw = message.as_bytes()
    if with_windows_line_ends:
        raw = re.sub(rb"\r?\n", b"\r\n", raw)
    mail = parse(raw)
    expected = [
        hashlib.sha256(f"file {number}".encode()).hexdigest()
        for number, kind in enumerate(numbers, 1)
        if kind == "file"
    ]
    assert [part.sha256 for part in mail.attachments] == expected
    for number, kind in enumerate(numbers, 1):
        assert mail.text.count(f"word{number}word") == (kind != "file")


def test_letters_that_look_like_the_mark_of_utf_16_stay_letters():
    assert decode("юя, спасибо".encode("windows-1251"), "windows-1251").text == "юя, спасибо"
    assert decode("þÿ".encode("latin-1"), "iso-8859-1").text == "þÿ"
    assert decode("Hello".encode("utf-16"), "windows-1252").text == "Hello"
