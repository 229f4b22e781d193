"""What a delivery report says: by RFC 3464 where it is kept, else by the words of qmail, Exim and others."""

import re
from typing import TypedDict

from core.charsets import decode
from core.mime_headers import Address, Headers, addresses, clean, decoded, fields, message_ids
from core.mime_tree import Node


class Bounce(TypedDict):
    """One failed or delayed delivery; a value that the report does not tell is ""."""

    status: str
    action: str
    recipient: str
    original_message_id: str
    diagnostic: str


_DAEMON = re.compile(
    r"(?i)(?:mailer-daemon|poo?st_?master|mail-?daemon|mailerdaemon|double-bounce|mdaemon|postoffice|mailmaster|"
    r"microsoftexchange[0-9a-f]{10,40}|mail-?delivery|bounces?)\b"
)
_DAEMON_NAMES = (
    "mail delivery sub", "mail delivery sys", "mail deliver sys", "mailer-daemon", "mail administrator",
    "system administrator", "microsoft outlook", "microsoft exchange", "postmaster", "mail delivery service",
    "mail daemon", "delivery subsystem", "internet mail delivery",
)  # fmt: skip
_SUBJECTS = (
    "message delivery has failed", "unable to deliver", "delivery problem", "mail error", "non-delivery",
    "nondelivery", "undelivered mail", "delivery failed", "delivery error", "user unknown", "unknown user",
    "undelivered mail returned", "delivery status notification", "delivery failure", "delivery has failed",
    "failure notice", "failed delivery", "mail delivery failed", "mail delivery failure",
    "mail delivery system", "undeliverable", "undelivered", "returned mail", "returned to sender",
    "message not delivered", "non delivery", "nondeliverable", "mail system error",
    "delivery notification: delivery", "warning: could not send", "warning: message", "delayed mail",
    "delivery delayed", "could not be delivered", "no se puede entregar", "no se pudo entregar", "no entregado",
    "error en la entrega", "mensaje no entregado", "non remis", "échec de la remise", "échec de remise",
    "remise impossible", "não entregue", "falha na entrega", "não é possível entregar", "unzustellbar",
    "returned message", "delivery status", "mail returned", "rejected mail", "message undeliverable", "退信",
    "undelivrable", "non délivré", "mensagem devolvida", "devuelto", "devolvido", "no entregable",
    "entrega fallida", "errore di consegna", "mancata consegna", "nie dostarczono", "onbestelbaar",
    "配信できません", "送信エラー", "ikke levert", "kunne ikke leveres", "не удается доставить",
    "не удалось доставить",
    "nicht zugestellt", "zustellung fehlgeschlagen", "недоставленное", "не доставлено",
)  # fmt: skip
_BODY_SIGNS = (
    "did not reach the following recipient", "addresses had delivery", "addresses had permanent",
    "could not be delivered", "unable to deliver message", "there was an error delivering your mail",
    "was rejected by a remote mail server", "could not be sent", "delivery failed",
    "delivery to the following recipient", "this is the qmail-send program",
    "i'm afraid i wasn't able to deliver your message",
    "this message was created automatically by mail delivery software", "this is the mail system at host",
    "could not be delivered to one or more", "delivery has failed to these recipients",
    "did not reach some or all of the intended recipients",
    "the following addresses had permanent fatal errors", "the following address(es) failed",
    "your message wasn't delivered", "your message couldn't be delivered", "message could not be delivered",
    "was undeliverable", "i was unable to deliver", "unable to deliver your message", "address rejected",
    "sorry, i couldn't find any host", "user unknown", "list of failed recipients", "failed addresses follow",
    "machine generated message from mail service", "did not receive a copy of your message",
    "could not deliver message", "undeliverable address", "user's mailbox is full", "delivery to the following",
    "unable to deliver", "a message could not be delivered", "invalid final delivery userid", "failed recipients",
    "has encountered delivery problems", "addresses had delivery problems", "this is the deliver program at",
    "no such user", "could not be reached", "message not delivered", "that you sent was rejected",
    "delivery failure notification", "delivery has failed", "did not receive this message",
    "message was undeliverable", "has not yet been delivered", "delivery attempts will continue",
    "advisory-only email", "error delivering your mail", "returned message", "address not found", "not be found",
    "unknown user", "mailbox is full", "mailbox full", "permanent failure", "permanent error",
    "delivery is delayed", "recipient's mailbox", "undelivered", "your message to", "was not delivered",
    "не удалось доставить", "недоставлен", "не было доставлено", "не вдалося доставити", "n’a pas pu être remis",
    "n'a pu être remis", "não foi possível entregar", "no se ha podido entregar", "no ha podido ser entregado",
    "nie mogła zostać dostarczona", "kon niet worden", "non è stato possibile recapitare", "送信できませんでした",
    "配信できません", "無法傳送", "无法投递", "退信", "no se pudo entregar", "n'a pas pu être remis",
    "não pôde ser entregue", "konnte nicht zugestellt werden",
)  # fmt: skip
_COPY = re.compile(
    r"(?im)^[-=* ]{0,30}(?:below this line is a copy of the message|this is a copy of|the header of the original"
    r"|original message(?: headers?| follows| details)?\b"
    r"|message headers? follow|included message|returned (?:message|mail)|included is a copy|message text follows"
    r"|here is your returned mail|start of returned message|transcript of the message|the header of your)[^\n]{0,200}$"
)
#: Where a copy begins without a word: the fields that servers put on top.
_COPY_FIELDS = re.compile(r"(?im)^(?:received|return-path|x-originating-ip|message-id): [^\n]{5,500}$")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.:-])([45]\d\d)(?=[ \-:][^\n])")
_EMAIL = re.compile(r"[^\s<>()\[\]\"':;,=@]{1,64}@[A-Za-z0-9.-]{1,190}[A-Za-z0-9]")
_ID_FIELD = re.compile(
    r"^[> ]{0,4}message-id:[ \t]{0,9}(?:\r?\n[ \t]{1,9})?(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE
)
_TRANSIENT = (
    "delayed",
    "delay",
    "will retry",
    "not yet been delivered",
    "warning message only",
    "no action is required on your part",
)
_TEXT = 20_000
#: What is said instead of a code.
_SAID = (
    ("5.1.1", ("unknown user", "user unknown", "no such user", "unknown recipient", "address not found",
               "not recognized", "invalid user", "unknown address", "does not exist", "doesn't have a",
               "mailbox not found", "no mailbox here", "unknown local", "invalid recipient")),
    ("5.2.2", ("mailbox is full", "mailbox full", "over quota", "quota exceeded", "exceeded the local limit",
               "exceeded storage", "exceeds the quota", "mailbox exceeded")),
    ("5.1.2", ("host unknown", "domain not found", "couldn't find any host", "unknown host", "unknown domain")),
    ("5.3.4", ("message too large", "message size exceeds", "too big")),
    ("4.4.1", ("connection timed out", "connection refused")),
)  # fmt: skip
_REPORTED = frozenset({"failed", "delayed"})


def bounce_of(root: Node, headers: Headers, *, sender: Address | None, subject: str, text: str) -> Bounce | None:
    """What the mail reports as undelivered or late, or None if it is no such report.

    Reports of success (``delivered``, ``relayed``, ``expanded``), read receipts and abuse reports are no bounces.
    """
    parts = list(_leaves(root))
    for part in parts:
        if part.content_type in {"message/delivery-status", "message/global-delivery-status"}:
            bounce = _from_status(part, parts, headers, text)
            return bounce if bounce is None or bounce["action"] in _REPORTED else None
    if root.content_type == "multipart/report" and root.parameters.get("report-type", "").lower() != "delivery-status":
        return None
    if not _looks_bounced(headers, sender, subject, text):
        return None
    return _from_words(parts, headers, subject, text)


def _leaves(node: Node) -> list[Node]:
    return [leaf for child in node.children for leaf in _leaves(child)] if node.children else [node]


def _from_status(part: Node, parts: list[Node], headers: Headers, text: str) -> Bounce | None:
    """The first failed recipient of a delivery-status part, else the first one (RFC 3464, 2.3)."""
    blocks = re.split(r"\r?\n[ \t]*\r?\n", decode(part.body[:200_000]).text.strip())
    groups: list[dict[str, str]] = []
    for block in blocks[:200]:
        found: dict[str, str] = {}
        for name, value in fields(block):
            found.setdefault(name, value)
        if "action" in found or "final-recipient" in found or "status" in found:
            groups.append(found)
    if not groups:
        return None
    best = next((group for group in groups if _action(group) == "failed"), groups[0])
    told = best.get("diagnostic-code", "")
    status = _STATUS.search(best.get("status", "")) or _STATUS.search(told)
    code = _CODE.search(told)
    recipient = _typed(best.get("final-recipient", "")) or _typed(best.get("original-recipient", ""))
    return Bounce(
        status=status[1] if status else f"{code[1][0]}.0.0" if code else _said(told),
        action=_action(best) or "failed",
        recipient=recipient,
        original_message_id=_original_id(parts, headers, text),
        diagnostic=_shown(_value(best.get("diagnostic-code", ""))),
    )


def _action(group: dict[str, str]) -> str:
    words = group.get("action", "").lower().split()
    return words[0].strip(";,.()") if words else ""


def _value(typed: str) -> str:
    """What stands after the type in ``rfc822; someone@example.org`` or ``smtp; 550 No such user``."""
    kind, semicolon, value = typed.partition(";")
    return value.strip() if semicolon and " " not in kind.strip() else typed.strip()


def _typed(typed: str) -> str:
    value = _value(typed)
    found = addresses(value)
    return found[0].email if found else clean(value)[:320].strip("<>")


def _shown(text: str) -> str:
    return re.sub(r"\s+", " ", decoded(text[:2_000]))[:500].strip()


def _looks_bounced(headers: Headers, sender: Address | None, subject: str, text: str) -> bool:
    """Whether a mail that is no report by its form is one by its words: never by the words of a person alone."""
    if "x-failed-recipients" in headers:
        return True
    # Some daemons have a name and no address.
    shown = headers.first("from").strip(' "<')
    daemon = bool(_DAEMON.match(sender.email if sender else shown)) or shown.lower().startswith(_DAEMON_NAMES)
    null_path = headers.first("return-path").replace(" ", "") == "<>"
    begin = text[:3_000].lower()
    by_subject = any(words in subject.lower() for words in _SUBJECTS)
    by_body = any(words in begin for words in _BODY_SIGNS)
    by_code = bool(_STATUS.search(begin) or _CODE.search(begin))
    if "qmail-send program" in begin:
        return True
    return (daemon and (by_subject or by_body or by_code)) or (null_path and by_subject and (by_body or by_code))


def _from_words(parts: list[Node], headers: Headers, subject: str, text: str) -> Bounce:
    copy = _copy(text)
    report = text[: copy.start()] if copy else text[:_TEXT]
    said = next(iter(addresses(headers.first("x-failed-recipients"))), None)
    own = {address.email.lower() for name in ("to", "from") for address in addresses(headers.first(name)[:5_000])}
    emails = [each for each in _EMAIL.findall(report) if each.lower() not in own]
    original = _original(parts, text)
    found = [address.email for address in addresses(original.get("to", ""))]
    recipient = said.email if said else next(iter(emails + found), "")
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    diagnostic = next((line for line in lines if _STATUS.search(line) or _CODE.search(line)), "")
    if not diagnostic and recipient:
        near = next((place for place, line in enumerate(lines) if recipient in line), -1)
        diagnostic = lines[near + 1] if 0 <= near < len(lines) - 1 else ""
    status = _STATUS.search(diagnostic) or _STATUS.search(report)
    code = _CODE.search(diagnostic)
    number = status[1] if status else f"{code[1][0]}.0.0" if code else _said(report[:3_000])
    late = any(words in f"{subject} {report[:2_000]}".lower() for words in _TRANSIENT)
    action = "delayed" if late and not number.startswith("5") else "failed"
    return Bounce(
        status=number,
        action=action,
        recipient=recipient,
        original_message_id=_original_id(parts, headers, text),
        diagnostic=_shown(diagnostic),
    )


def _said(report: str) -> str:
    """The status (RFC 3463) that a report tells in words, or ""."""
    low = report.lower()
    return next((status for status, phrases in _SAID if any(phrase in low for phrase in phrases)), "")


def _copy(text: str) -> re.Match[str] | None:
    """Where the copy of the mail that was not delivered begins in a report."""
    fields_begin = _COPY_FIELDS.search(text[:_TEXT])
    marked = _COPY.search(text[:_TEXT], 0, fields_begin.start() if fields_begin else _TEXT)
    return marked or fields_begin


def _original_id(parts: list[Node], headers: Headers, text: str) -> str:
    """The Message-ID of the mail that was not delivered: from its copy, its header, the text, or the thread fields."""
    ids = message_ids(_original(parts, text).get("message-id", ""))
    if ids:
        return ids[0]
    found = _ID_FIELD.search(text[:200_000])
    if found:
        return next(iter(message_ids(found[1])), "")
    for name in ("in-reply-to", "references"):
        ids = message_ids(headers.first(name))
        if ids:
            return ids[-1]
    return ""


def _original(parts: list[Node], text: str) -> dict[str, str]:
    """The header of the mail that was not delivered, from the part or the text that repeats it."""
    copy = _copy(text)
    begin = (copy.start() if copy.re is _COPY_FIELDS else copy.end()) if copy else len(text)
    block = text[begin : begin + 100_000].lstrip()
    for part in parts:
        if part.content_type in {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}:
            block = decode(part.body[:100_000]).text.lstrip("\r\n")
            break
        # Some reports repeat the mail as a part of their own, whose fields are then those of the mail.
        if part is not parts[0] and "message-id" in part.headers and "received" in part.headers:
            return {name: part.headers.first(name) for name in ("message-id", "to", "from", "subject")}
    found: dict[str, str] = {}
    for name, value in fields(re.split(r"\r?\n\r?\n", block, maxsplit=1)[0]):
        found.setdefault(name, value)
    return found
