"""Reports that a mail of ours did not arrive, matched to that mail; they open no ticket and are never answered.

A report is believed where it proves that it is about a mail of ours: it came to the signed envelope sender of that
mail, or it repeats the Message-ID that we minted.
"""

import re
from dataclasses import dataclass

from sqlalchemy import select

from core import bounce_address, mail
from core.db import db
from core.events import record
from core.i18n import _
from core.mail import OutgoingMail
from core.mime import Bounce, ParsedMail

MOST_READ = 20_000
MOST_IDS = 200
REASON_LENGTH = 500

_ID = re.compile(r"[^\s<>\"()]{1,190}@[A-Za-z0-9.-]{1,60}")
_CODE = re.compile(r"(?<![\d.:])([45])(?:\.\d{1,3}\.\d{1,3}|\d\d)(?=[ \-:#)]|$)", re.MULTILINE)
# Words of reports in no standard form; only read where the address has shown already that a mail of ours came back.
_FAILED = (
    "undeliver", "not be delivered", "not delivered", "delivery fail", "failure", "returned mail", "user unknown",
    "unknown user", "no such user", "does not exist", "mailbox full", "mailbox is full", "over quota", "rejected",
    "no se pudo entregar", "no entregado", "buzón lleno", "n'a pas pu être", "non remis", "échec", "não entregue",
    "unzustellbar", "nicht zugestellt", "не доставлено", "недоставлен", "تعذر تسليم",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What a report means for the mail log.

    :param fate: "bounce", or "automatic" for what only came to an address that no person writes to.
    :param mail: the mail of ours that it is about, if there is one.
    """

    fate: str
    reason: str
    mail: OutgoingMail | None


def take(parsed: ParsedMail, *, by_hand: bool = False) -> Report | None:
    """Note at our mail what a report says of it; None for a mail that is no report.

    :param by_hand: somebody looked at it and says that a person wrote it.
    """
    if by_hand:
        return None
    arrived_at = [*parsed.delivered_to, *(address.email for address in (*parsed.to, *parsed.cc))]
    number = bounce_address.find(arrived_at)
    bounce = parsed.is_bounce or (_read_words(parsed) if number is not None else None)
    if number is None and bounce is None:
        return None
    sent = _of(number, parsed)
    if bounce is None:
        if sent is None:
            return None
        reason = _("A machine sent it: it came to where only bounces of mail %(number)s go.", number=sent.id)
        return Report("automatic", reason, sent)
    said = " ".join(text for text in (bounce["status"], bounce["diagnostic"], bounce["recipient"]) if text)
    said = said[:REASON_LENGTH]
    if sent is None:
        return Report("bounce", _("It reports a mail that is not ours: %(said)s", said=said), None)
    _note(sent, bounce, said)
    return Report(
        "bounce",
        _("It reports that mail %(number)s did not arrive, or late: %(said)s", number=sent.id, said=said),
        sent,
    )


def _note(sent: OutgoingMail, bounce: Bounce, said: str) -> None:
    if bounce["action"] != "failed":
        # The other side goes on trying by itself: nothing is sent again from here.
        if sent.state == "sent":
            sent.last_error = said
    elif sent.state not in ("bounced", "dead"):
        sent.state, sent.last_error, sent.fault, sent.next_at = "bounced", said, "", None
        record("mail.failed", sent)


def _of(number: int | None, parsed: ParsedMail) -> OutgoingMail | None:
    """The mail of ours that a report is about, by the address that it came to, else by a Message-ID that we minted."""
    if number is not None:
        return db.session.scalar(select(OutgoingMail).where(OutgoingMail.id == number).with_for_update())
    told = parsed.is_bounce["original_message_id"] if parsed.is_bounce else ""
    text = f"{parsed.text[:MOST_READ]} {parsed.html[:MOST_READ]}"
    candidates = [told, parsed.in_reply_to, *parsed.references, *_ID.findall(text)[:MOST_IDS]]
    for candidate in dict.fromkeys(candidates):
        if candidate and mail.is_own_message_id(candidate):
            return db.session.scalar(
                select(OutgoingMail).where(OutgoingMail.message_id == candidate[:255]).with_for_update()
            )
    return None


def _read_words(parsed: ParsedMail) -> Bounce | None:
    """What a mail says that came to a signed bounce address and is in none of the forms that the parser knows."""
    text = f"{parsed.subject}\n{parsed.text}"[:MOST_READ]
    code = _CODE.search(text)
    if code is None and not any(word in text.lower() for word in _FAILED):
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if _CODE.search(line)), lines[0] if lines else "")
    action = "delayed" if code and code[1] == "4" else "failed"
    return {"status": "", "action": action, "recipient": "", "original_message_id": "", "diagnostic": said}
