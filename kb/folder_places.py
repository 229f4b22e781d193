"""What stands at which path of a folder that is being brought in."""

import hashlib
import posixpath

from sqlalchemy import select

from core import files
from core.db import db
from core.exceptions import Refused
from core.files import StoredFile
from core.i18n import _
from core.inclusions import Problem
from kb import article_files
from kb.folders import LARGEST_TEXT, PATH_LENGTH, UPLOADS
from kb.import_plan import Plan, Trouble
from kb.links import Places, decoded
from kb.models import PUBLISHED, VISIBILITIES, ArticleFile
from kb.pages import Details
from kb.slugs import article_path, file_path


def _is_open(details: Details, visibility: str) -> bool:
    return details.state == PUBLISHED and VISIBILITIES.index(details.visibility) <= VISIBILITIES.index(visibility)


class FolderPlaces(Places):
    """Places in the folder that is brought in; a file is taken in when the first link to it is met."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._folder, self._plan = plan.folder, plan
        self._pages = {path: article_path(*address) for path, address in plan.all_places.items()}
        self._met: dict[str, str] = {}
        self._rows = {row.path: row for row in db.session.scalars(select(ArticleFile).where(ArticleFile.path != ""))}
        self._tokens = set(db.session.scalars(select(StoredFile.id).join(ArticleFile)))
        self._troubles: list[Trouble] = []
        self._problems: dict[str, tuple[Problem, ...]] = {}

    def take_troubles(self) -> list[Trouble]:
        """What was wrong with files since last asked."""
        troubles, self._troubles = self._troubles, []
        return troubles

    def take_problems(self, place: str) -> tuple[Problem, ...]:
        """What the article at a place could not bring in when it was last looked at."""
        return self._problems.pop(place, ())

    def note(self, place: str, problems: tuple[Problem, ...]) -> None:
        """Remember what an article could not bring in."""
        self._problems[place] = problems

    def is_there(self, target: str, source: str) -> bool:
        """Whether something stands where a target of the page ``source`` leads to, be it outside of the folder."""
        try:
            return ((self._folder.root / source).parent / target).exists()
        except (OSError, ValueError):
            return False

    def file(self, path: str) -> str:
        """The address of a file of the folder, "" if there is none."""
        if path not in self._met:
            self._met[path] = self._take_in(path)
        return self._met[path]

    def text(self, path: str, visibility: str) -> str | None:
        """What a file of the folder says, as `Places.text`."""
        page = self._plan.pages.get(path)
        if page is not None:
            return page.body.replace("\r\n", "\n") if _is_open(page.details, visibility) else None
        if not self._folder.is_file(path):
            return super().text(path, visibility)
        address = self.file(path)
        content = self._content(path, LARGEST_TEXT) if address else None
        return None if content is None else decoded(content)

    def title(self, path: str, visibility: str) -> str:
        """The title of a page of the folder, or of an article, as `Places.title`."""
        page = self._plan.pages.get(path)
        if page is None:
            return super().title(path, visibility)
        return page.details.title if _is_open(page.details, visibility) else ""

    def labelled(self, label: str, visibility: str) -> tuple[str, str]:
        """Where a label is set, as `Places.labelled`."""
        found = self._plan.labels.get(label)
        if found is None:
            return super().labelled(label, visibility)
        page = self._plan.pages.get(found[0])
        return found if page is None or _is_open(page.details, visibility) else ("", "")

    def take_in_uploads(self, body: str) -> None:
        """Take in those files that a text shows by their token, and that came with the folder."""
        for token in sorted(article_files.tokens(body)):
            folder = self._folder.root / UPLOADS / token
            if token in self._tokens or not folder.is_dir():
                continue
            self._tokens.add(token)
            for full in sorted(folder.iterdir())[:1]:
                if (content := self._content(self._folder.relative(full), files.limit_bytes())) is not None:
                    stored = files.save(content, full.name)
                    # The token is part of the texts that show it.
                    stored.id = token
                    db.session.flush()
                    db.session.add(ArticleFile(file=stored))
                    db.session.flush()

    def _take_in(self, path: str) -> str:
        known = self._rows.get(path)
        hidden = len(path) > PATH_LENGTH or any(part.startswith(".") for part in path.split("/"))
        if hidden or not self._folder.is_file(path):
            return file_path(known.file_id, known.file.filename) if known is not None and not hidden else ""
        content = self._content(path, files.limit_bytes())
        if content is None:
            return ""
        name = posixpath.basename(path)
        if known is None:
            known = self._rows[path] = article_files.add(content, name, path=path)
        elif known.file.sha256 != hashlib.sha256(content).hexdigest():
            known.file = files.save(content, name)
            db.session.flush()
        return file_path(known.file_id, known.file.filename)

    def _content(self, path: str, limit: int) -> bytes | None:
        try:
            return self._folder.content(path, limit)
        except Refused as error:
            self._troubles.append(Trouble(path, str(error)))
            return None


def sentence_for(problem: Problem, line: int) -> str:
    """What could not be brought in, and where.

    :param line: of the file.
    """
    target = problem.target
    sentences = {
        "cycle": _("Line %(line)s: %(target)s brings itself in.", line=line, target=target),
        "outside": _("Line %(line)s: %(target)s leads out of the folder.", line=line, target=target),
        "large": _("Line %(line)s: %(target)s is too large to be brought in.", line=line, target=target),
        "bad": _("Line %(line)s: what is asked for of %(target)s cannot be read.", line=line, target=target),
    }
    return str(sentences.get(problem.reason) or _("Line %(line)s: there is no %(target)s.", line=line, target=target))
