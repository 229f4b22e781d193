"""A folder of Markdown files and pictures, brought in as articles.

Files are matched with articles by their place in the folder, so the same folder can come again: what did not change is
left alone. One bad file never stops the others. Nothing is committed here: `steps` yields after each file, and the
order of the pages comes last.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import update

from accounts.models import User
from core import directives
from core.db import db
from core.directive_forms import INCLUDING
from core.exceptions import HelpdeskError, Refused
from core.i18n import _
from core.inclusions import MISSING, OUTSIDE
from kb import articles, front_matter, pages
from kb.collection_files import claims
from kb.folder_places import FolderPlaces, sentence_for
from kb.folders import LARGEST_TEXT as LARGEST
from kb.folders import UPLOADS as UPLOADS  # noqa: PLC0414 # Where an export puts them.
from kb.folders import Folder, Found
from kb.import_memory import Memory
from kb.import_order import put_in_order
from kb.import_plan import Plan
from kb.includes import BROUGHT_IN
from kb.models import DRAFT, PUBLISHED, Article, Revision
from kb.navigation import MKDOCS, docs_folder, menu_troubles
from kb.pages import IN_COLLECTIONS, Page

__all__ = ["LARGEST", "UPLOADS", "Line", "Report", "import_folder", "steps"]

CREATED, CHANGED, UNCHANGED, PROBLEM = "created", "changed", "unchanged", "problem"


@dataclass(frozen=True)
class Line:
    """What became of one file: created, changed, unchanged or problem, with a sentence if there is more to say."""

    path: str
    outcome: str
    sentence: str = ""


@dataclass(frozen=True)
class Credit:
    """Who wrote what a page says, why and when; ``text`` is the file as it was then."""

    by: User | None
    reason: str = ""
    at: datetime | None = None
    text: str = ""


@dataclass
class Report:
    """What became of all files."""

    lines: list[Line] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any file could not be brought in."""
        return any(line.outcome == PROBLEM for line in self.lines)

    def count(self, outcome: str) -> int:
        """How many files had this outcome."""
        return sum(line.outcome == outcome for line in self.lines)


def import_folder(folder: Path, *, by: User | None, language: str = "en") -> Report:
    """Bring a folder in, whole.

    :param language: of files that say nothing of it.
    """
    return Report(list(steps(folder, by=by, language=language)))


def steps(
    folder: Path, *, by: User | None, language: str = "en", begin: Callable[[int], None] = lambda _count: None
) -> Iterator[Line]:
    """Bring a folder in, file by file: all files are read first, so that links to later ones work.

    :param begin: told how many files there are, before the first is brought in.
    """
    root = Folder(docs_folder(folder))
    found = list(root.walk())
    memory = Memory(root, found, language, [folder / name for name in MKDOCS])
    if (lines := memory.recall()) is not None:
        begin(len(lines))
        yield from (
            Line(path, *((outcome, sentence) if outcome == PROBLEM else (UNCHANGED, "")))
            for path, outcome, sentence in lines
        )
        return
    lines = []
    for line in _steps(root, found, top=folder, by=by, language=language, begin=begin):
        lines.append((line.path, line.outcome, line.sentence))
        yield line
    memory.keep(lines)


def selected(
    folder: Path, *, language: str, wanted: Callable[[str], bool], credit: Callable[[str], Sequence[Credit]]
) -> Iterator[Line]:
    """Bring in some pages of a folder; the others are read, so that links to them work.

    :param wanted: which, by path; pages that catalogues make are always looked at.
    :param credit: what a page said before, and who wrote it; the last one stands for what it says now.
    """
    root = Folder(docs_folder(folder))
    found = list(root.walk())
    yield from _steps(root, found, top=folder, by=None, language=language, wanted=wanted, credit=credit)


def _steps(
    root: Folder, found: Sequence[Found], *, top: Path, by: User | None, language: str,
    begin: Callable[[int], None] = lambda _count: None, wanted: Callable[[str], bool] = lambda _path: True,
    credit: Callable[[str], Sequence[Credit]] = lambda _path: (),
) -> Iterator[Line]:  # fmt: skip
    plan, problems = _planned(root, found, language)
    begin(len(plan.pages) + len(problems))
    yield from problems
    told = {line.path for line in problems}
    places = FolderPlaces(plan)
    speaking: dict[str, Page] = {}
    for path, page in sorted(plan.pages.items(), key=lambda item: (item[0] in plan.made, item[0])):
        if path not in plan.made and not wanted(path):
            continue
        if _is_new_of(page, plan.known.get(path)):
            speaking[path] = page
        try:
            with db.session.begin_nested():
                line = _bring_in(page, plan, places, credit(path) or (Credit(by),))
        except HelpdeskError as error:
            line = Line(path, PROBLEM, str(error))
        remark, faults = _not_brought_in(page, places, line.outcome)
        yield replace(line, sentence=f"{line.sentence} {remark}".strip())
        yield from faults
        for trouble in places.take_troubles():
            if trouble.path not in told:
                yield Line(trouble.path, PROBLEM, f"{trouble.sentence} ({page.path})")
    put_in_order(top, plan.pages, made=plan.made, speaking=speaking, by=by)
    yield from (Line(name, PROBLEM, sentence) for name, sentence in menu_troubles(top, plan.pages))


def _is_new_of(page: Page, row: Article | None) -> bool:
    """Whether a file says something of collections that it did not say when it came last."""
    if row is None:
        return bool(page.collections)
    kept = row.front_matter or {}
    before = kept.get("others") or {}
    if row.source_path:
        with contextlib.suppress(Refused):
            before = front_matter.split(str(kept.get("head", ""))).fields
    return claims(before) != claims(page.others)


def _planned(folder: Folder, found: Sequence[Found], language: str) -> tuple[Plan, list[Line]]:
    """What is to be brought in, and what cannot be."""
    lines = [Line(each.path, PROBLEM, each.problem) for each in found if each.problem]
    plan = Plan(folder, language)
    plan.read(each.path for each in found if not each.problem and each.path.lower().endswith(".md"))
    plan.read_catalogues(each.path for each in found if not each.problem and each.path.endswith(".po"))
    plan.give_slugs()
    return plan, [*lines, *(Line(trouble.path, PROBLEM, trouble.sentence) for trouble in plan.troubles)]


def _bring_in(page: Page, plan: Plan, places: FolderPlaces, credits: Sequence[Credit]) -> Line:
    row, made = plan.known.get(page.path), plan.made.get(page.path)
    places.take_in_uploads(page.body)
    if row is not None:
        as_it_was = page.path == articles.place_of(row) and (
            page.head + page.body == articles.as_file(row) or articles.is_as_it_came(row, page)
        )
        if as_it_was or (made is not None and (row.front_matter or {}).get("made_from") == made.mark):
            # As it would be exported: at most its links lead elsewhere by now.
            is_changed = articles.refresh(row, places)
            return Line(page.path, CHANGED, _remarks(row, page, plan)) if is_changed else Line(page.path, UNCHANGED)
    outcome = CREATED if row is None else CHANGED
    otherwise = _("From the file %(path)s", path=made.catalogue if made else page.path)
    for each in credits[:-1]:
        with contextlib.suppress(Refused):
            before = pages.read(page.path, each.text, language=plan.language)
            before = replace(before, details=replace(before.details, slug=page.details.slug))
            row = _put(before, row, "", credit=each, otherwise=otherwise, places=places)
    row = _put(page, row, made.mark if made else "", credit=credits[-1], otherwise=otherwise, places=places)
    return Line(page.path, outcome, _remarks(row, page, plan))


def _put(
    page: Page, row: Article | None, mark: str, *, credit: Credit, otherwise: str, places: FolderPlaces
) -> Article:
    """Write or change the article of a page, as one revision."""
    others = page.others
    if row is not None and not _is_new_of(page, row):
        # The file says nothing new, so what was decided here stays.
        kept = (row.front_matter or {}).get("others") or {}
        others = {name: value for name, value in others.items() if name not in IN_COLLECTIONS}
        others |= {name: kept[name] for name in IN_COLLECTIONS if name in kept}
    state = _state(page, row, is_made=bool(mark))
    source = articles.Source(page.path, page.head, others, mark)
    reason = credit.reason or otherwise
    if row is None:
        row = articles.write(page.details, page.body, by=credit.by, reason=reason, source=source, places=places)
    else:
        articles.edit(row, page.details, page.body, by=credit.by, reason=reason, source=source, places=places)
        articles.set_state(row, state, by=credit.by)
    if credit.at is not None:
        db.session.execute(
            update(Revision).where(Revision.article_id == row.id, Revision.number == row.revision_number)
            .values(at=credit.at)
        )  # fmt: skip
    return row


def _state(page: Page, row: Article | None, *, is_made: bool) -> str:
    """The state that an article is to have: what the file says if that is new, else what was decided here."""
    if row is None:
        return page.details.state
    if is_made:
        return page.details.state if row.state in {DRAFT, PUBLISHED} else row.state
    said, before = _said_state(page.head), _said_state(str((row.front_matter or {}).get("head", "")))
    if said == before and (row.source_path or not said):
        return row.state if row.source_path or row.state != DRAFT else page.details.state
    return page.details.state


def _said_state(head: str) -> str:
    with contextlib.suppress(Refused):
        return str(front_matter.split(head).words.get("state", ""))
    return ""


def _remarks(row: Article, page: Page, plan: Plan) -> str:
    remarks = list(plan.remarks.get(page.path, []))
    dead = sorted(target for target, address in (row.links or {}).items() if not address)
    dead = [target for target in dead if not target.startswith(BROUGHT_IN)]
    if dead:
        remarks.append(str(_("Links that lead nowhere: %(links)s.", links=", ".join(dead))))
    first = _lines_before(page)
    found = {name: lines for name, lines in directives.unknown(page.body).items() if name not in INCLUDING}
    if found:
        names = [f"{name} ({', '.join(str(line + first) for line in lines)})" for name, lines in sorted(found.items())]
        remarks.append(str(_("Shown as labelled blocks, with their lines: %(names)s.", names="; ".join(names))))
    if row.is_plain:
        remarks.append(str(_("The text is too complicated to be laid out, and is shown as it was written.")))
    return " ".join(remarks)


def _not_brought_in(page: Page, places: FolderPlaces, outcome: str) -> tuple[str, list[Line]]:
    """What a page could not bring in: a remark on what is simply not there, lines for what is at fault."""
    first = _lines_before(page)
    absent, lines = [], []
    for problem in places.take_problems(page.path):
        is_absent = problem.reason == MISSING or (
            problem.reason == OUTSIDE and not places.is_there(problem.target, page.path)
        )
        if is_absent:
            absent.append(f"{problem.target} ({problem.line + first})")
        else:
            lines.append(Line(page.path, PROBLEM, sentence_for(problem, problem.line + first)))
    if not absent or outcome == UNCHANGED:
        return "", lines
    return str(_("Not there to be brought in, with their lines: %(names)s.", names="; ".join(absent))), lines


def _lines_before(page: Page) -> int:
    return page.head.count("\n")
