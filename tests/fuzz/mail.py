"""Mutated mails against the parser: nothing but ``Unparsable`` may come out, and nothing may take long.

    python -m tests.fuzz.mail --minutes 10 --seed 1

Every mail is made from the corpus by a generator with a seed, so that a finding can be made again: the seed and the
number of the mail are printed with it. See README.md for the runs that were made.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from core.forwards import forwarded
from core.mime import Limits, Unparsable, parse, to_json
from core.mime_child import _packed, _unpacked

CORPUS = Path(__file__).parent.parent / "fixtures" / "mail"
#: What a mail may take, in seconds of processor time: the child is killed after 20 of the clock.
MOST_SECONDS = 2.0
LIMITS = Limits()
_PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b"\x80", b"\xff\xfe", b"\xef\xbb\xbf", b"=?", b"?=", b"=?utf-8?q?", b"=?utf-8?b?=?=",
    b"--", b"--b", b"--b--", b"\n\n", b"\n\t", b"\nContent-Type: multipart/mixed; boundary=b\n\n--b\n", b'"', b"'", b"(",
    b")", b"<", b">", b"@", b",", b";", b":", b"=", b"%", b"\\", b"*0*=", b"charset=utf-7", b"charset=utf-16",
    b"\nContent-Transfer-Encoding: base64\n", b"\nContent-Type: message/rfc822\n\n", b"\nContent-Type: text/html\n\n",
    b"\nContent-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22", b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
    b"\nBEGIN:VEVENT\nSUMMARY:", b"-----BEGIN PGP SIGNED MESSAGE-----\n", b"{\\rtf1\\fromhtml1 {\\*\\htmltag ", b"<div>",
    b"<!--", b"<table><tr><td>", b"&#x110000;", b"> > > ", b"\nOn 1 May 2024 at 10:00, a@b.example wrote:\n",
    b"\nFrom: a@b.example\nSent: 1\nTo: b\nSubject: c\n", b"\xe2\x80\xae", b"\xf0\x9f\x98\x80", b"\x1b$B", b"~{", b"+AOk-",
]  # fmt: skip
_TOKEN = re.compile(rb"[A-Za-z0-9+/=_-]{3,}|[^A-Za-z0-9]")


def seeds() -> list[bytes]:
    """The mails of the corpus that are no larger than 40 kB, always in the same order."""
    mails = [path.read_bytes() for path in sorted(CORPUS.glob("*.eml"))]
    return [mail for mail in mails if len(mail) <= 40_000]


def mutated(corpus: list[bytes], rng: random.Random) -> bytes:
    """A mail of the corpus with one to twelve faults."""
    mail = rng.choice(corpus)
    for _ in range(rng.randint(1, 12)):
        place = rng.randrange(len(mail) + 1)
        match rng.randrange(9):
            case 0:
                mail = mail[:place] + rng.choice(_PIECES) + mail[place:]
            case 1:
                mail = mail[:place] + bytes([rng.randrange(256)]) + mail[place + 1 :]
            case 2:
                mail = mail[:place] + mail[place + rng.randint(1, 60) :]
            case 3:
                length = rng.randint(1, 400)
                mail = mail[:place] + mail[place : place + length] * rng.randint(2, 40) + mail[place + length :]
            case 4:
                other = rng.choice(corpus)
                start = rng.randrange(len(other) + 1)
                mail = mail[:place] + other[start : start + rng.randint(1, 2_000)] + mail[place:]
            case 5:
                lines = mail.split(b"\n")
                rng.shuffle(lines)
                mail = b"\n".join(lines) if len(lines) < 400 else mail
            case 6:
                tokens = _TOKEN.findall(mail[place : place + 2_000])
                if tokens:
                    mail = mail.replace(rng.choice(tokens), rng.choice([*_PIECES, *tokens]), rng.randint(1, 50))
            case 7:
                mail = mail[:place] + rng.choice(_PIECES) * rng.choice([2, 30, 3_000]) + mail[place:]
            case _:
                mail = mail[:place]
        mail = mail[:400_000] or b"\n"
    return mail


def check(mail: bytes) -> str:
    """Parse a mail and see that the result holds; "parsed" or "refused". Raises ``AssertionError`` with what is wrong."""
    started = time.process_time()
    try:
        parsed = parse(mail)
    except Unparsable as error:
        refusal = error.reason
    else:
        refusal = ""
    assert not refusal.startswith("The message cannot be read ("), f"a fault of ours: {refusal}"
    assert time.process_time() - started < MOST_SECONDS, "too slow"
    if refusal:
        return "refused"
    if not any(part.content_type.startswith("message/") for part in parsed.attachments):
        # What is attached as a mail is read in a process of its own, which is not what is tried here.
        forwarded(parsed)
    spent = time.process_time() - started
    assert spent < MOST_SECONDS, f"parsed in {spent:.1f} s"
    json.dumps(to_json(parsed), ensure_ascii=False).encode()
    texts = [
        parsed.subject,
        parsed.text,
        parsed.html,
        parsed.reply_text,
        *(part.filename for part in parsed.attachments),
    ]
    assert not any("\0" in text for text in texts), "a NUL came through"
    assert "\n" not in parsed.subject, "a subject of two lines"
    assert not any("/" in part.filename or "\n" in part.filename for part in parsed.attachments), "a path as a name"
    assert len(parsed.reply_text) <= len(parsed.text) + 2, "a reply longer than its text"
    assert sum(part.size for part in parsed.attachments) <= 2 * LIMITS.decoded_bytes, "more than was sent"
    again = _unpacked(*_packed(parsed))
    assert all(getattr(again, each.name) == getattr(parsed, each.name) for each in fields(parsed)), (
        "changed on the way"
    )
    return "parsed"


@dataclass
class Report:
    """What a run found; ``slowest`` in seconds of processor time."""

    counts: dict[str, int] = field(default_factory=lambda: {"parsed": 0, "refused": 0})
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


def mails(seed: int) -> Iterator[tuple[int, bytes]]:
    """Mutated mails without end, each with its number; the same for the same seed and corpus."""
    corpus = seeds()
    number = 0
    while True:
        yield number, mutated(corpus, random.Random(f"{seed}/{number}"))
        number += 1


def run(seconds: float, seed: int) -> Report:
    """Try mails for ``seconds`` of the clock."""
    report = Report()
    end = time.monotonic() + seconds
    for number, mail in mails(seed):
        if time.monotonic() > end:
            return report
        started = time.process_time()
        try:
            report.counts[check(mail)] += 1
        except Exception as error:  # Whatever it is, it is a finding; the run goes on.
            report.faults.append(f"seed {seed}, mail {number}: {type(error).__name__}: {error}")
        report.slowest = max(report.slowest, time.process_time() - started)
    return report


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = run(arguments.minutes * 60, arguments.seed)
    print(
        f"{sum(report.counts.values())} mails in {arguments.minutes:g} minutes with seed {arguments.seed}: "
        f"{report.counts['parsed']} parsed, {report.counts['refused']} refused, {len(report.faults)} faults, "
        f"slowest {report.slowest:.2f} s"
    )
    for fault in report.faults[:50]:
        print(fault)
    raise SystemExit(bool(report.faults))


if __name__ == "__main__":
    main()
