"""winmail.dat, RTF and signed content by themselves: the examples of the specifications, damage, and bombs."""

import random
import struct
import time

import pytest

from core.calendars import calendar_text
from core.rtf import decompressed, rtf_content
from core.signed import signed_content, without_pgp
from core.tnef import unpack

#: The examples of MS-OXRTFCP, 3.1.
EXAMPLES = {
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
    "0af32068656c090020627705b06c647d0a800fa0": b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
    "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0": b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
}


@pytest.mark.parametrize("compressed", EXAMPLES)
def test_compressed_rtf_is_unpacked_as_the_specification_shows(compressed):
    assert decompressed(bytes.fromhex(compressed), limit=1_000) == EXAMPLES[compressed]


def test_rtf_that_says_it_is_larger_than_allowed_is_refused():
    with pytest.raises(ValueError, match="too large"):
        decompressed(struct.pack("<II4sI", 20, 1_000_001, b"LZFu", 0) + b"\0abc", limit=1_000_000)


def test_the_words_of_rtf_are_read_with_its_charset_and_its_unicode():
    source = (
        rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}\f0\'cf\'f0 {\uc2\u1087??x}\par {\*\secret no}\{a\}\~b\line c}"
    )
    assert rtf_content(source) == ("Пр пx\n{a}\u00a0b\nc", False)


def test_html_in_rtf_is_given_back_without_the_rtf_beside_it():
    source = (
        rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf {\b \htmlrtf0 a{\*\htmltag72 </p>}\htmlrtf }\htmlrtf0 }"
    )
    assert rtf_content(source) == ("<p>a</p>", True)


@pytest.mark.parametrize("source", [b"{" * 200_000, b"\\u1 " * 100_000, b"\\'ff" * 100_000, b"{\\htmltag " * 50_000])
def test_rtf_bombs_take_linear_time(source):
    started = time.process_time()
    rtf_content(source)
    assert time.process_time() - started < 2


def test_random_bytes_after_the_mark_of_tnef_are_no_crash():
    rng = random.Random(5)
    for _ in range(500):
        body = rng.randbytes(rng.randrange(200))
        head = struct.pack(
            "<BHHI", 1, rng.choice([0x9003, 0x9005, 0x9002, 0x800F, 0x8010]), 6, rng.choice([len(body), 5, 2**31])
        )
        unpack(b"\x78\x9f\x3e\x22\x01\x00" + head + body)


def test_random_bytes_in_signed_data_are_no_crash():
    rng = random.Random(6)
    start = bytes.fromhex("308006092a864886f70d010702a080")
    for _ in range(500):
        signed_content(start + rng.randbytes(rng.randrange(200)))
    assert signed_content(start + b"\x30\x80" * 5_000) is None
    assert signed_content(b"not at all") is None


def test_a_pgp_signature_that_never_begins_leaves_the_text():
    text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello"
    assert without_pgp(text) == (text, "")


def test_a_calendar_that_never_ends_is_read_as_far_as_it_goes():
    assert calendar_text("BEGIN:VEVENT\nSUMMARY:x\n" + "BEGIN:VALARM\n" * 20_000) == "x"
    assert calendar_text("nothing") == ""
