"""What reading a mail promises whatever the bytes: limits, no exception but one, text that a database takes."""

import contextlib
import json
import unicodedata
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import mime, mime_tree
from core.mime import Limits, Part, Unparsable, parse, to_json
from core.mime_child import parse_in_child

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures" / "mail").glob("*.eml"))
KEYS = [
    "message_id",
    "in_reply_to",
    "references",
    "date",
    "from",
    "reply_to",
    "to",
    "cc",
    "subject",
    "text",
    "html",
    "reply_text",
    "language",
    "is_automatic",
    "is_bounce",
    "attachments",
    "problems",
]


def nested(levels):
    opening = "".join(f'Content-Type: multipart/mixed; boundary="b{each}"\n\n--b{each}\n' for each in range(levels))
    return f"From: amara@example.org\n{opening}\nhi\n".encode()


def addressed(number):
    to = ", ".join(f"u{each}@example.org" for each in range(number))
    return f"From: amara@example.org\nTo: {to}\nSubject: x\n\nhi\n".encode()


def with_parts(number, body="x"):
    return f"Content-Type: multipart/mixed; boundary=b\n\n{f'--b{chr(10)}{chr(10)}{body}{chr(10)}' * number}--b--\n".encode()


BOMBS = {
    "1,000 nested multiparts": (nested(1_000), "nested more than 50 deep"),
    "20,000 nested multiparts": (nested(20_000), "nested more than 50 deep"),
    "50,000 addresses": (addressed(50_000), "header is larger than 256 kB"),
    "10,000 addresses": (addressed(10_000), "more than 1000 addresses"),
    "a header field of 1 MB": (b"Subject: " + b"x" * 1_000_000 + b"\n\nhi", "header is larger than 256 kB"),
    "1 MB without an empty line": (b"x" * 1_000_000, "header is larger than 256 kB"),
    "100,000 parts": (with_parts(100_000), "more than 1000 parts"),
    "a part with a header of 1 MB": (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nX-A: " + b"y" * 1_000_000 + b"\n\nhi\n--b--\n",
        "header of a part is larger than 256 kB",
    ),
    "lines in 49 open parts": (nested(49) + b"--x\n" * 700_000, "too many lines in too many parts"),
    "more content than allowed": (b"Subject: x\n\n" + b"0123456789\n" * 6_000_000, "content is larger than 60 MB"),
    "more bytes than content may have": (b"Subject: x\n\n" + b"0" * 95_000_000, "message is larger than 90 MB"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_a_sentence(name):
    raw, reason = BOMBS[name]
    # The child would be killed after 20 seconds and give another reason.
    with pytest.raises(Unparsable) as refusal:
        parse_in_child(raw)
    assert reason in refusal.value.reason
    assert refusal.value.reason.endswith(".")


HARD = {
    "20,000 enclosed messages": b"Content-Type: message/rfc822\n\n" * 20_000,
    "5,000 digests": b"".join(
        b"Content-Type: multipart/digest; boundary=b%d\n\n--b%d\n\n" % (n, n) for n in range(5_000)
    ),
    "semicolons": b"Content-Type: multipart/mixed" + b";" * 250_000 + b"\n\nx",
    "quotes": b"Content-Type: multipart/mixed; boundary=" + b'";' * 120_000 + b"\n\nx",
    "encoded words": b"Subject: " + b"=?utf-8?Q?a?= " * 18_000 + b"\n\nx",
    "encoded words never closed": b"Subject: " + b"=?a?q?x " * 32_000 + b"\n\nx",
    "blanks before a fold": b"Subject: a" + b"\t" * 250_000 + b"\n b\n\nx",
    "an address of blanks": b"From: a@b" + b" " * 250_000 + b"c\n\nx",
    "open comments": b"From: " + b"(" * 250_000 + b"\n\nx",
    "80,000 fields": b"a:\n" * 80_000 + b"\nx",
    "references": b"References: " + b"<a@b> " * 40_000 + b"\n\nx",
    "carriage returns": b"\r" * 1_000_000,
    "open tags": b"Content-Type: text/html\n\n" + b"<div>" * 500_000,
    "open comments in HTML": b"Content-Type: text/html\n\n" + b"<!--" * 500_000,
    "open attributes": b"Content-Type: text/html\n\n" + b"<a \"'" * 400_000,
    "tables in tables": b"Content-Type: text/html\n\n" + b"<table><tr><td>" * 100_000,
    "quotation marks": b"Subject: x\n\n" + b">" * 500_000 + b"\n" + b"> \n" * 300_000,
    "attributions": b"Subject: x\n\n" + b"On 1 Jan 2024 at 10:00\n" * 40_000,
    "From: lines": b"Subject: x\n\n" + b"From: a\n" * 100_000,
}


@pytest.mark.parametrize("name", HARD)
def test_input_made_to_be_slow_is_read_before_the_child_would_be_killed(name):
    # Each takes a fraction of this; quadratic time would take minutes.
    assert parse_in_child(HARD[name], seconds=15).subject is not None


def test_limits_are_met_exactly():
    assert parse(nested(50)).text == "hi"
    assert len(parse(addressed(999)).to) == 999
    assert parse(with_parts(999)).text.count("x") == 999
    with pytest.raises(Unparsable):
        parse(nested(51))
    with pytest.raises(Unparsable):
        parse(addressed(1_000))
    with pytest.raises(Unparsable):
        parse(with_parts(1_000))


def test_limits_can_be_tightened():
    small = Limits(header_bytes=100, parts=3, depth=2, addresses=2, decoded_bytes=1_000)
    assert parse(b"From: a@b.example\n\nhi", limits=small).text == "hi"
    for raw in (b"A: " + b"x" * 100 + b"\n\n", with_parts(3), nested(3), addressed(2), b"\n\n" + b"x" * 1_001):
        with pytest.raises(Unparsable):
            parse(raw if raw.startswith((b"A", b"C", b"F")) else b"From: a@b.example" + raw, limits=small)


def test_an_error_of_the_standard_parser_is_unparsable(monkeypatch):
    def broken(*_args, **_kwargs):
        raise RecursionError

    monkeypatch.setattr(mime_tree, "message_from_bytes", broken)
    with pytest.raises(Unparsable, match="RecursionError"):
        parse(b"From: a@b.example\n\nhi")


def assert_sound(raw):
    """No exception but one, and nothing in the result that JSON, a database or a header could not take."""
    # The inner function: the outer one would turn our own faults into a refusal.
    with contextlib.suppress(Unparsable):
        assert_storable(mime._parsed(raw, Limits()))


def assert_storable(mail):
    found = to_json(mail)
    assert list(found) == KEYS
    stored = json.dumps(found, ensure_ascii=False).encode("utf-8")
    assert b"\\u0000" not in stored
    people = [address for field in (mail.reply_to, mail.to, mail.cc, [mail.from_]) for address in field if address]
    one_line = [mail.message_id, mail.in_reply_to, *mail.references, mail.subject, mail.language, *mail.delivered_to]
    one_line += [part.filename for part in mail.attachments] + [part.content_id for part in mail.attachments]
    one_line += [text for address in people for text in (address.name, address.email)]
    for text in one_line:
        assert not [char for char in text if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}], text
    for part in mail.attachments:
        assert 0 < len(part.filename) <= 200
        assert not set(part.filename) & set("/\\")
        assert part.size == len(part.data)
    assert all("@" in address.email and " " not in address.email.partition('"@')[2] for address in people)
    assert mail.date is None or mail.date.tzinfo is UTC
    assert mail.reply_text in mail.text or not mail.text.strip() or len(mail.reply_text) <= len(mail.text)
    assert bool(mail.reply_text) == bool(mail.text.strip())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_or_refused(raw):
    assert_sound(raw)


FIELDS = st.sampled_from(
    [
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Content-Type",
        "Content-Disposition",
        "Content-ID",
        "Return-Path",
        "Content-Transfer-Encoding",
        "Auto-Submitted",
        "List-Id",
        "Delivered-To",
    ]
)
PIECES = st.sampled_from(
    [
        *(
            "=?utf-8?Q?=C3=A9?=",
            "=?utf-8?B?w6k=?=",
            "=?x?q?",
            "?=",
            "=?iso-2022-jp?B?GyRC?=",
            "=?utf-7?Q?+2AA-?=",
            "=?utf-16?B?2AA=?=",
        ),
        *(
            "a@b.example",
            "<a@b.example>",
            '"',
            "'",
            "<",
            ">",
            "(",
            ")",
            ",",
            ";",
            ":",
            "@",
            "\\",
            "=",
            "*",
            "*0*=",
            "utf-8''%C3",
        ),
        *(
            "multipart/mixed; boundary=b",
            "multipart/alternative; boundary=b",
            "multipart/related; boundary=b",
            "text/html",
            "text/plain",
        ),
        *(
            "multipart/report; report-type=delivery-status; boundary=b",
            "message/delivery-status",
            "message/rfc822",
            "text/calendar",
        ),
        *(
            "; charset=",
            "utf-8",
            "koi8-r",
            "utf-16",
            "x",
            "iso-2022-jp",
            "hz",
            "utf-7",
            "; format=flowed",
            "; delsp=yes",
            "; filename=",
        ),
        *(
            "../x.pdf",
            "base64",
            "quoted-printable",
            "x-uuencode",
            "\x00",
            "\x0b",
            "\u2028",
            "\u202e",
            "\udce9",
            "é",
            "中",
            "\r",
            "\n ",
            "\t",
        ),
        *("Mon, 3 Jun 2024 10:00:00 +0000", "99999999999999999999", "attachment", "inline", "1e400", "-0000", " "),
    ]
)
LINES = st.sampled_from(
    [
        "--b",
        "--b--",
        "",
        "> quoted",
        "On Mon, Jun 3, 2024 at 10:00 AM X <x@b.example> wrote:",
        "-- ",
        "From: x",
        "Sent: y",
        "To: z",
    ]
    + [
        "<p>",
        "<blockquote>",
        "</td>",
        "<!--",
        "&#xD800;",
        "&#99999999999;",
        "=E9=",
        "w6k",
        "begin 644 x",
        "M",
        "Action: failed",
        "hi",
    ]
    + [
        "Content-Type: text/html",
        "Content-Type: multipart/digest; boundary=c",
        "--c",
        "Message-ID: <x@y>",
        "Regards,",
        "Amara",
    ]
)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.tuples(FIELDS, st.lists(PIECES, max_size=5)), max_size=8),
    st.lists(st.one_of(LINES, PIECES), max_size=25),
)
def test_a_mail_made_of_dangerous_pieces_is_read_or_refused(fields, lines):
    header = "\n".join(f"{name}: {''.join(pieces)}" for name, pieces in fields)
    assert_sound(f"{header}\n\n{chr(10).join(lines)}\n".encode("utf-8", "surrogateescape"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(FIXTURES),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3), st.integers(0, 40)), max_size=6),
)
def test_a_damaged_mail_is_read_or_refused(path, damages):
    raw = path.read_bytes()
    for where, put, cut in damages:
        place = int(where * len(raw))
        raw = raw[:place] + put + raw[place + cut :]
    assert_sound(raw)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_long_bodies_that_bypass_the_standard_parser_come_out_the_same(path, monkeypatch):
    raw = path.read_bytes()
    if path.stem.startswith("too-"):
        pytest.skip("refused")
    whole = parse(raw)
    monkeypatch.setattr(mime_tree, "_LONG", 1)
    assert parse(raw) == whole


def test_a_large_attachment_comes_out_whole():
    data = bytes(range(256)) * 2_000
    digits = data.hex().encode()
    lines = b"\r\n".join(digits[place : place + 76] for place in range(0, len(digits), 76))
    raw = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n--b\r\n"
    raw += (
        b"Content-Type: text/csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n" + lines + b"\r\n--b--\r\n"
    )
    mail = parse(raw)
    assert mail.text == "see"
    assert [(part.filename, part.data) for part in mail.attachments] == [("a.csv", lines)]


def test_the_same_bytes_give_the_same_mail():
    for path in FIXTURES[:20]:
        assert parse(path.read_bytes()) == parse(path.read_bytes())


def test_attachments_do_not_carry_their_bytes_into_json():
    mail = parse(b"From: a@b.example\nContent-Type: application/json; name=a.json\n\n{}")
    part = Part("a.json", "application/json", 2, mail.attachments[0].sha256, "", inline=False, data=b"{}")
    assert mail.attachments == [part]
    assert to_json(replace(mail, attachments=[part]))["attachments"] == [
        {
            "filename": "a.json",
            "content_type": "application/json",
            "size": 2,
            "sha256": part.sha256,
            "content_id": "",
            "inline": False,
        }
    ]
