"""A first version of a past answer, drafted from the thread of a ticket: what was asked, and what solved it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from accounts.models import User
from core.closings import is_name
from core.db import db
from core.exceptions import NotNow
from core.i18n import _
from core.quote_words import CLOSINGS
from core.quotes import reply_text
from core.words import fold
from helpdesk import models
from helpdesk.models import Message, Ticket
from helpdesk.states import ENDED

_MOST_AFTER_CLOSING = 7
# As people type in haste.
_SHORT_CLOSINGS = frozenset(
    {"thx", "thks", "tks", "thnx", "ty", "rgds", "br", "kr", "slds", "sds", "cdt", "cdlt", "bjs", "abs"}
)
# A message that says no more than this may be a mere word of thanks, or that we are on it.
_SHORT = 320

_SIGNS = re.compile(r"^(?:\s*(?:re|fwd?|aw|rv|tr|enc|res)\s*:|\s*\[[^\]]{0,40}\])+\s*", re.IGNORECASE)
_GREETING = re.compile(
    r"\s*(?:dear|hello|hi|hey|greetings|good (?:morning|afternoon|evening|day)|estimad[oa]s?|apreciad[oa]s?"
    r"|querid[oa]s?|hola"
    r"|buen(?:os|as)? (?:d[ií]as?|tardes|noches)|cher|chère|chers|chères|bonjour|bonsoir|salut|madame|monsieur"
    r"|mesdames|prezad[oa]s?|car[oa]s|ol[aá]|bom dia|boa (?:tarde"
    r"|noite))\b(?:(?:[^\S\n]+[^\s,.!:;]+){0,4}[^\S\n]*(?:[,!:]+[^\S\n]*|\n)"
    r"|(?:[^\S\n]+[^\s,.!:;]+){0,2}[^\S\n]*\.[^\S\n]*)",
    re.IGNORECASE,
)
# Sentences that only make contact; they stand at the beginning of a message, and help nobody else.
_NICETY = re.compile(
    r"\s*(?:(?:thank you|thanks|many thanks)(?: (?:very|so) much)?(?: (?:for|again)[^.!?\n]{0,100})?"
    r"|i hope (?:this|you)[^.!?\n]{0,60}|hope (?:this|you)[^.!?\n]{0,60}"
    r"|(?:muchas )?gracias(?: (?:por|de nuevo)[^.!?\n]{0,100})?|espero que[^.!?\n]{0,60}(?:bien"
    r"|encuentre[ns]?)[^.!?\n]{0,20}|reciba[n]? un[^.!?\n]{0,40}saludo[^.!?\n]{0,20}"
    r"|merci(?: beaucoup)?(?: (?:pour|de|encore)[^.!?\n]{0,100})?|j['’]esp[eè]re que[^.!?\n]{0,60}"
    r"|(?:muito )?obrigad[oa](?: (?:por|pel[oa]|de novo)[^.!?\n]{0,100})?|espero que[^.!?\n]{0,60})[.!,]+\s*",
    re.IGNORECASE,
)
# The same at the end, a line or a sentence of its own.
_PARTING = re.compile(
    r"(?:(?:^|\n)[^\S\n]*|(?<=[.!?])[^\S\n]+)(?:(?:many )?(?:thanks|thx|thank you)(?: (?:so|very) much)?"
    r"(?: (?:in advance|again|for)[^.!?\n]{0,80})?|(?:i |we )?look(?:ing)? forward to[^.!?\n]{0,80}"
    r"|(?:muchas )?gracias(?: (?:de antemano|por|nuevamente)[^.!?\n]{0,80})?"
    r"|(?:quedo|quedamos|estoy|estamos)(?: (?:muy|siempre))? (?:atent[oa]s?|pendientes?|a la espera"
    r"|a (?:sus|su|las) [oó]rdenes|al pendiente|a (?:tu|su) disposici[oó]n)[^.!?\n]{0,80}"
    r"|(?:d['’]avance )?merci(?: (?:d['’]avance|par avance|beaucoup|pour)[^.!?\n]{0,80})?"
    r"|dans l['’]attente[^.!?\n]{0,80}|(?:je|nous) rest(?:e|ons) [àa] (?:votre|ta) disposition[^.!?\n]{0,80}"
    r"|(?:muito )?obrigad[oa](?: (?:desde j[aá]|pel[oa]|antecipadamente)[^.!?\n]{0,80})?"
    r"|(?:fico|ficamos) (?:no aguardo|à disposi[cç][aã]o|[àa] espera|grat[oa]s?|atent[oa]s?)[^.!?\n]{0,60}"
    r"|aguard(?:o|amos) (?:a |o |um )?(?:su?a|seu|retorno|resposta|contato)[^.!?\n]{0,60})[.!,]*\s*$",
    re.IGNORECASE,
)
# A reply that only says that there will be one.
_ON_IT = re.compile(
    r"(?:we(?:['’]ll| will| shall| are going to)|i(?:['’]ll| will)|let me) (?:\w+ ){0,2}(?:look|check|come back"
    r"|get back|investigate|be in touch|return|ask)"
    r"|(?:have|has been) received your|we (?:have )?received your|(?:lo|la|los|las)? ?(?:revisaremos"
    r"|consultaremos|verificaremos|estamos revisando|vamos a revisar|voy a (?:revisar|consultar))|te respondo"
    r"|le respondemos"
    r"|hemos recibido|nous (?:allons|revenons|reviendrons|avons bien re[cç]u|regardons)|je (?:regarde|reviens"
    r"|vais v[eé]rifier)|vamos verificar|retornaremos|recebemos (?:a )?sua",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\b(?:thank|thanks|great|perfect|works|worked|solved|gracias|perfecto|funciona|funcion[oó]|resuelto|merci"
    r"|parfait|[cç]a marche|r[eé]solu|obrigad[oa]|perfeito|funcionou)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Drafted:
    """What a thread offers for a past answer: a title, a question and an answer, in Markdown."""

    title: str
    question: str
    answer: str


@dataclass(frozen=True)
class _Said:
    text: str
    by_staff: bool


def draft_from(ticket: Ticket) -> Drafted:
    """The question from what was asked, the answer from what the desk replied; without greetings and closings.

    :raises NotNow: while the ticket is not over.
    """
    if ticket.state not in ENDED:
        raise NotNow(_("Mark the ticket solved first; a past answer is made from what solved it."))
    rows = db.session.execute(
        select(Message.body, Message.by_staff, User.name)
        .join(User, User.id == Message.author_id)
        .where(Message.ticket_id == ticket.id, Message.kind == models.PUBLIC)
        .order_by(Message.id)
    ).all()
    said = [_Said(bare(_without_name(row.body, row.name)), row.by_staff) for row in rows]
    return Drafted(_title(ticket.title), _asked(said), _answered(said))


def bare(text: str) -> str:
    """A message without quotation, greeting and thanks, and without its closing and what stands after that."""
    text = text.replace("\r\n", "\n").strip()
    text = reply_text(text) or text
    before = ""
    while text != before:
        before = text
        for opening in (_GREETING, _NICETY):
            found = opening.match(text)
            if found and found.end() < len(text):
                text = text[found.end() :].lstrip()
                text = text[:1].upper() + text[1:]
    return _without_closing(text)


def _without_name(text: str, name: str) -> str:
    """A message without a last line that is only the name of its writer, or the first part of it."""
    above, _break, last = text.rstrip().rpartition("\n")
    signed = fold(last.strip(" .,–-—"))
    return above if above.strip() and signed and signed in {fold(name), *fold(name).split()} else text


def _without_closing(text: str) -> str:
    lines = text.split("\n")
    for number in range(max(len(lines) - _MOST_AFTER_CLOSING - 1, 1), len(lines)):
        line = lines[number].strip()
        if _is_closing(line) or lines[number].rstrip() in {"--", "-- "}:
            lines = lines[:number]
            break
    text, before = "\n".join(lines).strip(), ""
    while text != before:
        before = text
        found = _PARTING.search(text, max(0, len(text) - 200))
        if found and found.start():
            text = text[: found.start()].rstrip()
    return text


def _is_closing(line: str) -> bool:
    """Whether a line is “Best regards,” or “Thanks, Paula”."""
    if fold(line.strip(" .,!;:-—–")) in _SHORT_CLOSINGS:
        return True
    phrase, _comma, rest = line.partition(",")
    if phrase.lower().strip(" .,!;:-—–") not in CLOSINGS:
        return line.lower().strip(" .,!;:-—–") in CLOSINGS
    rest = rest.strip(" .!")
    return not rest or (is_name(rest) and len(rest.split()) <= 4) or rest.lower() in CLOSINGS


def _title(title: str) -> str:
    return _SIGNS.sub("", title).strip() or title


def _asked(said: Sequence[_Said]) -> str:
    """The first message; and what was asked later, up to the last reply."""
    last_reply = max((place for place, one in enumerate(said) if one.by_staff), default=len(said))
    asked = [one.text for one in said[:last_reply] if not one.by_staff and one.text]
    first, later = asked[:1], [text for text in asked[1:] if "?" in text or not _is_thanks(text)]
    return "\n\n".join(_once([*first, *later])) or next((one.text for one in said if not one.by_staff), "")


def _answered(said: Sequence[_Said]) -> str:
    """The replies that say something, each paragraph once; the last reply, if none of them does."""
    replies = [one.text for one in said if one.by_staff and one.text]
    telling = [text for text in replies if not _is_on_it(text) and not _is_question(text) and not _is_thanks(text)]
    return "\n\n".join(_once(telling or replies[-1:]))


def _once(texts: Sequence[str]) -> list[str]:
    """The texts without paragraphs that an earlier one has already."""
    seen: set[str] = set()
    kept = []
    for text in texts:
        paragraphs = []
        for paragraph in re.split(r"\n[ \t]*\n", text):
            mark = " ".join(fold(paragraph).split())
            # Short lines may well stand twice, and lines of code do.
            if len(mark) > 40 and mark in seen:
                continue
            seen.add(mark)
            paragraphs.append(paragraph)
        if paragraphs:
            kept.append("\n\n".join(paragraphs))
    return kept


def _is_on_it(text: str) -> bool:
    return len(text) < _SHORT and "://" not in text and _ON_IT.search(text) is not None


def _is_question(text: str) -> bool:
    """Whether a reply only asks back."""
    sentences = [each for each in re.split(r"(?<=[.!?])\s+", text.strip()) if each]
    return (
        len(text) < _SHORT and "://" not in text and bool(sentences) and all(each.endswith("?") for each in sentences)
    )


def _is_thanks(text: str) -> bool:
    return len(text) < _SHORT // 2 and "?" not in text and "://" not in text and _THANKS.search(text) is not None
