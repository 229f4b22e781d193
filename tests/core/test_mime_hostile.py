"""Mails made to stall a reader: each is read or refused in about linear time."""

import time

import pytest

from core.forwards import forwarded
from core.mime import Unparsable, parse

HEAD = b"From: a@b.example\n"
HOSTILE = {
    "multiparts-in-multiparts": HEAD
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(1_000)),
    "mails-in-mails": HEAD + b"Content-Type: message/rfc822\n\n" * 3_000,
    "parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 50_000,
    "fields": HEAD + b"X-A: b\n" * 30_000 + b"\nx",
    "encoded-words": HEAD + b"Subject: " + b"=?utf-8?q?a?= " * 15_000 + b"\n\nx",
    "brackets": HEAD + b"To: " + b"(" * 100_000 + b"\n\nx",
    "quotes": HEAD + b"To: " + b'"a ' * 30_000 + b"\n\nx",
    "parameters": HEAD + b"Content-Type: text/plain" + b"; a*1*=x" * 12_000 + b"\n\nx",
    "open-elements": HEAD + b"Content-Type: text/html\n\n" + b"<div>" * 100_000,
    "open-tables": HEAD + b"Content-Type: text/html\n\n" + b"<table><tr><td>" * 30_000,
    "attributes": HEAD + b"Content-Type: text/html\n\n<a " + b"x=y " * 100_000 + b">",
    "attributions": HEAD + b"\n" + b"On 1 May 2020 at 10:00, a@b.cd wrote:\n" * 12_000,
    "headers-in-the-text": HEAD + b"Subject: Fwd: x\n\n" + b"From: a\nSent: 1\n\n" * 25_000,
    "marks-of-forwarding": HEAD + b"\n" + b"---------- Forwarded message ---------\n" * 12_000,
    "beginnings-of-files": HEAD + b"\n" + b"begin 644 a\n#0V%T\n" * 25_000 + b"end",
    "beginnings-of-signatures": HEAD + b"\n" + b"-----BEGIN PGP SIGNED MESSAGE-----\n" * 15_000,
    "beginnings-of-events": HEAD + b"Content-Type: text/calendar\n\n" + b"BEGIN:VEVENT\n" * 40_000,
    "every-byte": HEAD + b"\n" + bytes(range(128, 256)) * 4_000,
    "flowed-lines": HEAD + b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 150_000,
    "bounces": b"From: MAILER-DAEMON@x.example\nSubject: Undelivered\n\n" + b"<a@b.cd>: 550 5.1.1 x\n" * 20_000,
    "references": HEAD + b"References: " + b"<a@b> " * 20_000 + b"\n\nx",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_read_or_refused_soon(name):
    started = time.process_time()
    try:
        mail = parse(HOSTILE[name])
    except Unparsable:
        pass
    else:
        if not any(part.content_type.startswith("message/") for part in mail.attachments):
            forwarded(mail)
    assert time.process_time() - started < 2
