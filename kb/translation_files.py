"""A translation as a file for translators' tools (gettext .po), and the way back.

Each paragraph, heading, list item and cell is a message, as in the catalogues of Sphinx. What a tool marks as fuzzy,
and what lost a link or a placeholder, is kept but not shown to readers: it is exported again as fuzzy.
"""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from babel.messages.pofile import PoFileError, normalize, read_po
from sqlalchemy import delete, select

from accounts.models import User
from core.db import db, now
from core.exceptions import Refused
from core.i18n import _
from kb import catalogues, sections, translating, translations
from kb.catalogues import Catalogue, one_line
from kb.collection_models import TranslationMessage
from kb.models import Article, Revision
from kb.translating import Words

LARGEST = 4 * 1024 * 1024
TITLE, SUMMARY, TEXT = "title", "summary", ""
FUZZY = "fuzzy"

_REVISION = re.compile(rb'"X-Source-Revision:[ \t]*(\d{1,9})')
_KEPT = re.compile(r"\]\(\s*<?([^)\s>]+)|<(https?://[^>\s]+)>|(`[^`\n]+`)|(\{[\w:.+-]{1,60}\})|(\|[\w-]{1,60}\|)")


@dataclass(frozen=True)
class Message:
    """One block of a source and its translation; ``problem`` says why it is not ready, ``place`` where it stands."""

    context: str
    source: str
    text: str = ""
    problem: str = ""
    place: str = ""

    @property
    def digest(self) -> str:
        """What the message is kept under."""
        return hashlib.sha256(f"{self.context}\x04{self.source}".encode()).hexdigest()


@dataclass
class Report:
    """What became of a file: counts, and (line, text of the source, why) of each message that is not ready."""

    translated: int = 0
    untranslated: int = 0
    unknown: int = 0
    not_ready: list[tuple[int, str, str]] = field(default_factory=list)


def write(source: Article, translation: Article | None, language: str) -> str:
    """The file: what is translated, what is not, and what is not ready (fuzzy).

    It is made from the newest version of the source, and says so in its head.
    """
    newest = translating.revision(source, source.revision_number)
    moment = now().strftime("%Y-%m-%d %H:%M+0000")
    head = {
        "Project-Id-Version": f"{source.language}/{source.slug}", "POT-Creation-Date": moment,
        "PO-Revision-Date": moment, "Last-Translator": "", "Language-Team": "", "Language": language.replace("-", "_"),
        "MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit",
        "X-Source-Language": source.language, "X-Source-Revision": str(newest.number),
    }  # fmt: skip
    lines = ['msgid ""', 'msgstr ""', *(f'"{name}: {value}\\n"' for name, value in head.items()), ""]
    for message in messages(newest, translation):
        lines += [f"#. {message.place}"] if message.place else []
        lines += ["#, fuzzy"] if message.problem else []
        lines += [f"msgctxt {normalize(message.context)}"] if message.context else []
        lines += [f"msgid {normalize(message.source)}", f"msgstr {normalize(message.text)}", ""]
    return "\n".join(lines)


def messages(version: Revision, translation: Article | None) -> list[Message]:
    """The messages of a version of a source, each with what the translation has for it."""
    found = {(each.context, each.source): each for each in _blocks(version)}
    if translation is None:
        return list(found.values())
    known = _known(translation, version)
    rows = db.session.scalars(select(TranslationMessage).where(TranslationMessage.article_id == translation.id)).all()
    waiting = {row.digest: row for row in rows}
    filled = []
    for key, each in found.items():
        row = waiting.get(each.digest)
        if row is not None:
            filled.append(Message(each.context, each.source, row.text, row.problem or FUZZY, each.place))
        else:
            filled.append(Message(each.context, each.source, known.get(key, ""), "", each.place))
    return filled


def read(
    content: bytes, source: Article, translation: Article | None, language: str, *, by: User | None
) -> tuple[Article, Report]:
    """Bring a file back: the translation says what the file says, as far as it is ready.

    :raises Refused: with a sentence, if the file cannot be read, is older than the translation, or knows less than it;
        nothing is changed then.
    """
    entries = _read(content, language)
    version = _version(content, source, translation)
    report = Report()
    blocks = messages(version, translation)
    # What readers have stays until something better is ready.
    ready = _known(translation, version)
    waiting = {each.digest: each for each in blocks if each.problem}
    known = {(each.context, each.source): each for each in blocks}
    for line, context, text, translated, is_fuzzy in entries:
        block = known.get((context, text))
        if block is None:
            report.unknown += 1
            continue
        if not translated:
            continue
        problem = FUZZY if is_fuzzy else _fault(text, translated)
        if problem:
            report.not_ready.append((line, text, "" if problem == FUZZY else problem))
            waiting[block.digest] = Message(context, text, translated, problem)
            continue
        ready[context, text] = translated
        waiting.pop(block.digest, None)
    if report.unknown == len(entries):
        raise Refused(_("There is nothing of this article in the file."), "file")
    words = _words(version, ready)
    _check_nothing_is_lost(version, translation, words)
    translation = translating.save(
        source, translation, language, words, by=by, number=version.number, reason=_("From a translators' file")
    )
    _keep(translation, list(waiting.values()))
    report.translated = sum(1 for key in known if key in ready)
    report.untranslated = len(known) - report.translated
    return translation, report


def count_waiting(translation: Article) -> int:
    """How many messages of a translation came from a file and are not ready."""
    rows = select(TranslationMessage.id).where(TranslationMessage.article_id == translation.id)
    return len(db.session.scalars(rows).all())


def _read(content: bytes, language: str) -> list[tuple[int, str, str, str, bool]]:
    """(line, context, text, translation, is fuzzy) of each message."""
    if len(content) > LARGEST:
        raise Refused(_("The file is too large."), "file")
    try:
        found = read_po(io.BytesIO(content), ignore_obsolete=True, abort_invalid=True)
    except PoFileError as error:
        problem = str(error.args[0])[:200] if error.args else ""
        line = getattr(error, "lineno", None)
        where = f" ({_('line %(number)s', number=line + 1)})" if line is not None else ""
        raise Refused(_("The file cannot be read: %(problem)s", problem=problem) + where, "file") from None
    except (UnicodeDecodeError, ValueError, LookupError, AttributeError, IndexError) as error:
        raise Refused(_("The file cannot be read: %(problem)s", problem=str(error)[:200]), "file") from None
    given = str(found.locale_identifier or "").lower().replace("_", "-")
    if given and given.partition("-")[0] != language.partition("-")[0]:
        raise Refused(_("The file is a translation into another language: %(code)s.", code=given), "file")
    entries = [
        (message.lineno or 0, str(message.context or ""), one_line(message.id), one_line(str(message.string or "")),
         message.fuzzy)
        for message in found
        if message.id and isinstance(message.id, str)
    ]  # fmt: skip
    if not entries or any("\x00" in text + translated for _line, _context, text, translated, _fuzzy in entries):
        raise Refused(_("There is no message in the file."), "file")
    return entries


def _version(content: bytes, source: Article, translation: Article | None) -> Revision:
    """The version of the source that a file was made from."""
    named = _REVISION.search(content)
    otherwise = translation.source_revision_number if translation is not None else source.revision_number
    number = int(named[1]) if named else otherwise
    if number > source.revision_number or number < 1:
        sentence = _("The file names a version of the article that there is not: %(number)s.", number=number)
        raise Refused(sentence, "file")
    if translation is not None and number < translation.source_revision_number:
        raise Refused(
            _("The file was made from version %(old)s of the source; the translation follows version %(new)s already. "
              "Please export it again.", old=number, new=translation.source_revision_number),
            "file",
        )  # fmt: skip
    return translating.revision(source, number)


def _fault(text: str, translated: str) -> str:
    """What of the source is missing from a translation, as a sentence; "" if nothing is."""
    missing = Counter(_kept(text)) - Counter(_kept(translated))
    if not missing:
        return ""
    return str(_("missing from the translation: %(names)s", names=", ".join(missing)))


def _kept(text: str) -> Iterator[str]:
    """What must stay as it is: targets of links, code, roles and placeholders."""
    for found in _KEPT.finditer(text):
        yield next(group for group in found.groups() if group)


def _blocks(version: Revision) -> Iterator[Message]:
    yield Message(TITLE, one_line(version.title))
    if version.summary.strip():
        yield Message(SUMMARY, one_line(version.summary))
    for section in sections.split(version.body):
        heading = one_line(catalogues.words_of(section.partition("\n")[0].strip("# ")))[:80]
        for text in _texts(section):
            yield Message(TEXT, text, place=heading if heading != text else "")


def _known(translation: Article | None, version: Revision) -> dict[tuple[str, str], str]:
    """What readers have by now for the messages of a version."""
    if translation is None:
        return {}
    before = translating.revision(translations.source_of(translation), translation.source_revision_number)
    there = {(each.context, each.source) for each in _blocks(version)}
    return {key: word for key, word in _pairs(before, translation).items() if key in there}


def _pairs(version: Revision, translation: Article) -> dict[tuple[str, str], str]:
    """What a translation has for the messages of the version that it was made from, as far as their order tells."""
    pairs = {(TITLE, one_line(version.title)): one_line(translation.title)}
    pairs[SUMMARY, one_line(version.summary)] = one_line(translation.summary)
    for one, other in zip(sections.split(version.body), sections.split(translation.body), strict=False):
        texts, words = _texts(one), _texts(other)
        if len(texts) == len(words):
            pairs |= {(TEXT, text): word for text, word in zip(texts, words, strict=True)}
    return {key: word for key, word in pairs.items() if word and word != key[1]}


def _texts(section: str) -> list[str]:
    listener = _Listener({}, [])
    catalogues.translate(section, listener)
    return listener.heard


@dataclass(frozen=True)
class _Listener(Catalogue):
    """Changes nothing, and remembers what it was asked for."""

    heard: list[str]

    def find(self, text: str) -> str:
        """The text itself."""
        self.heard.append(one_line(text))
        return text


def _words(version: Revision, ready: dict[tuple[str, str], str]) -> Words:
    texts = {text: translated for (context, text), translated in ready.items() if context == TEXT}
    return Words(
        title=ready.get((TITLE, one_line(version.title)), version.title),
        summary=ready.get((SUMMARY, one_line(version.summary)), version.summary),
        body=catalogues.translate(version.body, Catalogue(texts)).text,
    )


def _check_nothing_is_lost(version: Revision, translation: Article | None, words: Words) -> None:
    """Refuse a file that would put words of the source in place of what is translated."""
    if translation is None:
        return
    before = _share(translating.revision(translations.source_of(translation), 0), translation.body)
    if _share(version, words.body) + 0.02 < before:
        raise Refused(
            _("The translation was changed by hand and does not have the order of its source, so the file knows less "
              "than it. Nothing was changed."),
            "file",
        )  # fmt: skip


def _share(version: Revision, body: str) -> float:
    """How much of a text (0 to 1, by letters) is not the source's own."""
    own = {text for section in sections.split(version.body) for text in _texts(section)}
    texts = [text for section in sections.split(body) for text in _texts(section)]
    total = sum(map(len, texts))
    return sum(len(text) for text in texts if text not in own) / total if total else 0.0


def _keep(translation: Article, waiting: list[Message]) -> None:
    db.session.execute(delete(TranslationMessage).where(TranslationMessage.article_id == translation.id))
    db.session.add_all(
        TranslationMessage(article_id=translation.id, digest=each.digest, text=each.text, problem=each.problem)
        for each in waiting
    )
    db.session.flush()
