"""Articles and a Git repository kept the same: commits become revisions, changes that were made here become commits.

What both sides agreed on last is remembered page by page, so neither the history nor its shape matters: a branch that
was pushed by force, or of which only the end is there, is one that says something else now. Where both sides changed
a page and the changes do not go together, nothing is overwritten: a person decides (`kb.sync_conflicts`).

This commits by itself, page by page: whatever stops it, the next sync goes on from there.
"""

import fcntl
import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath

from flask import Flask, current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import undefer

from accounts.models import find
from core import jobs
from core.db import db, now
from core.doctor import Finding
from core.events import record
from core.exceptions import NotNow, Refused
from core.i18n import _
from kb import articles, importing, sync_commits, workflow
from kb.git_remote import PushRefused, Remote
from kb.git_repository import LARGEST_BLOB, Blob, Repository
from kb.importing import CHANGED, CREATED, PROBLEM, Credit
from kb.models import READABLE, RETIRED, WITHDRAWN, Article
from kb.navigation import docs_folder
from kb.sync_conflicts import agree
from kb.sync_models import CHANGED as BOTH_CHANGED
from kb.sync_models import DELETED, SyncConflict, SyncedFile, SyncRun

logger = logging.getLogger(__name__)

# How often a push that was refused is tried again with what somebody else pushed.
PUSHES = 3
# Of such an article no file is written that there is not.
GONE = (RETIRED, WITHDRAWN)


@dataclass
class Outcome:
    """What a sync did: pages that came in, pages that went out, pages for a person, and what went wrong."""

    pulled: int = 0
    written: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def sync(folder: Path, *, language: str = "en", remote: str = "") -> Outcome:
    """Bring the commits of a repository in, and write what was changed here as commits.

    :param language: of pages that say nothing of it.
    :param remote: the name of the one that is fetched before and pushed to after, "" for none. Where somebody else
        pushed meanwhile, all is done again with what they pushed.
    :raises Refused: if there is no repository, or no such remote.
    :raises NotNow: if a sync runs already, or Git fails.
    """
    outcome = Outcome()
    with _one_at_a_time():
        for attempt in range(PUSHES):
            with tempfile.TemporaryDirectory(prefix="sync-") as place:
                try:
                    _Sync(Repository(folder), Path(place), language, outcome, remote).run()
                except PushRefused:
                    logger.info("push to %s refused, attempt %s", remote, attempt + 1)
                    db.session.rollback()
                else:
                    return outcome
        raise NotNow(
            _("Somebody else pushed each time, so nothing was written. Nothing is lost; the next sync tries again.")
        )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    path = current_app.extensions["settings"].data_dir / "sync.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotNow(_("A sync is running already.")) from None
        yield


class _Sync:
    def __init__(
        self, repository: Repository, place: Path, language: str, outcome: Outcome, remote: str = ""
    ) -> None:  # fmt: skip
        self.repository, self.place, self.language, self.outcome = repository, place, language, outcome
        name = str(repository.folder)[:500]
        self.last = db.session.scalar(select(SyncRun).where(SyncRun.folder == name)) or SyncRun(folder=name, head="")
        settings = current_app.extensions["settings"]
        self.committer = (settings.site.name, f"noreply@{settings.reply_domain}")
        self.remote = Remote(repository, remote) if remote else None
        # What went wrong in an attempt before this one is found again.
        outcome.waiting, outcome.problems = 0, []
        if self.remote is not None:
            outcome.problems += self.remote.bring_in(self.last.head, committer=self.committer, at=now())
        self.head = repository.head()
        self.tree: dict[str, Blob] = repository.files(self.head) if self.head else {}
        self.prefix = ""
        # Pages that stand elsewhere now and were not changed here: their address may follow from that.
        self.moved: set[str] = set()

    def run(self) -> Outcome:
        self._lay_out_tree()
        inside = docs_folder(self.place / "tree").resolve()
        top = (self.place / "tree").resolve()
        self.prefix = "" if inside == top else f"{inside.relative_to(top).as_posix()}/"
        self._follow_renames()
        wanted = self._compare()
        db.session.commit()
        self._pull(wanted)
        end = self._write()
        self._remember(end)
        return self.outcome

    def _lay_out_tree(self) -> None:
        """The files of the newest commit in a folder of ours; links and what is huge stay outside."""
        top = self.place / "tree"
        top.mkdir()
        batch: list[tuple[str, str]] = []
        for path, blob in self.tree.items():
            parts = PurePosixPath(path).parts
            if blob.is_link:
                self._trouble(path, _("Links are not read."))
            elif blob.size > LARGEST_BLOB:
                self._trouble(path, _("The file is larger than %(megabytes)s MB.", megabytes=LARGEST_BLOB // 1024**2))
            elif path.startswith("/") or ".." in parts or not parts:
                self._trouble(path, _("This path leads out of the folder."))
            else:
                batch.append((path, blob.sha))
        for begin in range(0, len(batch), 200):
            part = batch[begin : begin + 200]
            contents = self.repository.read([sha for _path, sha in part])
            for path, sha in part:
                try:
                    (top / path).parent.mkdir(parents=True, exist_ok=True)
                    (top / path).write_bytes(contents[sha])
                except (OSError, KeyError, ValueError) as error:
                    self._trouble(path, str(error)[:200])

    def _follow_renames(self) -> None:
        """Give articles the place that their file has now, so that they are recognised."""
        if not self.last.head or not self.head or self.last.head == self.head:
            return
        for old, new in self.repository.renames(self.last.head, self.head).items():
            before, after = old.removeprefix(self.prefix), new.removeprefix(self.prefix)
            if not after.lower().endswith(".md") or db.session.scalar(
                select(Article).where(Article.source_path == after)
            ):
                continue
            row = db.session.scalar(select(Article).where(Article.source_path == before))
            known = db.session.scalar(select(SyncedFile).where(SyncedFile.path == before))
            if row is not None and known is not None:
                if self._hash(row) == known.blob:
                    self.moved.add(after)
                row.source_path = known.path = after
        db.session.flush()

    def _compare(self) -> set[str]:
        """The pages that are to come in. Those that both sides changed are brought together, or left to a person."""
        ours = {articles.place_of(row): row for row in self._articles()}
        agreed = self._agreed()
        theirs = self._pages()
        wanted: set[str] = set()
        for path, sha in theirs.items():
            row, base = ours.get(path), agreed.get(path, "")
            own = self._hash(row) if row is not None else ""
            if row is None or (own == base and sha != base) or path in self.moved:
                wanted.add(path)
            elif own == sha:
                agree(path, sha)
            elif sha != base and self._together(row, path, base, sha):
                wanted.add(path)
        for path in agreed.keys() - theirs.keys():
            if (row := ours.get(path)) is not None:
                self._gone(row, path, agreed[path])
            db.session.execute(delete(SyncedFile).where(SyncedFile.path == path))
        return wanted

    def _together(self, row: Article, path: str, base: str, sha: str) -> bool:
        """Whether the changes of both sides go together; else they are kept for a person."""
        contents = self.repository.read([each for each in (base, sha) if each])
        own, their = articles.as_file(row).encode(), contents.get(sha, b"")
        merged = None
        if base in contents:
            folder = self.place / "merge"
            folder.mkdir(exist_ok=True)
            merged = self.repository.merged(contents[base], own, their, folder)
        if merged is not None:
            (docs_folder(self.place / "tree") / path).write_bytes(merged)
            return True
        self._conflict(BOTH_CHANGED, row, path, sha=sha, their=their)
        return False

    def _gone(self, row: Article, path: str, base: str) -> None:
        self._conflict(DELETED, row, path, sha=base, their=b"")
        if row.state in READABLE:
            workflow.retire(row, None, by=None)

    def _conflict(self, kind: str, row: Article, path: str, *, sha: str, their: bytes) -> None:
        own = self._hash(row)
        self.outcome.waiting += 1
        same = (SyncConflict.path == path, SyncConflict.our_blob == own, SyncConflict.their_blob == sha)
        if db.session.scalar(select(SyncConflict.id).where(*same)) is not None:
            return
        for older in db.session.scalars(
            select(SyncConflict).where(SyncConflict.path == path, SyncConflict.settled_at.is_(None))
        ):
            # What was to be decided has become something else.
            older.settled_at = now()
        history = (
            self.repository.history(self.prefix + path, self.last.head, self.head) if kind == BOTH_CHANGED else []
        )
        commit = history[-1][0] if history else None
        db.session.add(
            SyncConflict(
                kind=kind, path=path, article_id=row.id, our_blob=own, their_blob=sha,
                ours=articles.as_file(row), theirs=their.decode("utf-8", "replace").replace("\x00", "�"),
                author=commit.name if commit else "", message=commit.message[:2000] if commit else "",
            )
        )  # fmt: skip
        db.session.flush()
        record("article.sync_conflict", row, by=None, kind=kind)

    def _pull(self, wanted: set[str]) -> None:
        theirs = self._pages()
        lines = importing.selected(
            self.place / "tree", language=self.language, wanted=wanted.__contains__, credit=self._credit
        )
        for line in lines:
            if line.outcome == PROBLEM:
                self._trouble(line.path, line.sentence)
            elif line.path in wanted:
                agree(line.path, theirs[line.path])
            if line.outcome in {CREATED, CHANGED}:
                self.outcome.pulled += 1
            db.session.commit()

    def _credit(self, path: str) -> list[Credit]:
        """The commits that changed a page since the last sync."""
        history = self.repository.history(self.prefix + path, self.last.head, self.head)
        contents = self.repository.read([sha for _commit, sha in history])
        found = []
        for commit, sha in history:
            user = find(commit.email)
            by = user if user is not None and user.is_staff else None
            first = commit.message.partition("\n")[0][:200]
            reason = first if by is not None else f"{first} ({commit.name})"
            text = contents.get(sha, b"").decode("utf-8", "replace")
            found.append(Credit(by, reason, min(commit.at, now()), text))
        return found

    def _write(self) -> str:
        """Write what was changed here, a commit for each article; returns where the branch ends."""
        agreed, theirs = self._agreed(), self._pages()
        waiting = set(db.session.scalars(select(SyncConflict.path).where(SyncConflict.settled_at.is_(None))))
        end, done = self.head, list[tuple[Article, str, bytes]]()
        taken = {path.casefold() for path in theirs}
        for row in self._articles():
            path, own = articles.place_of(row), self._hash(row)
            if path in waiting or own == theirs.get(path) or theirs.get(path, "") != agreed.get(path, ""):
                continue
            if path not in theirs and (row.state in GONE or sync_commits.is_made(row) or path.casefold() in taken):
                continue
            content = articles.as_file(row).encode()
            end = sync_commits.write(
                self.repository, end, row, path, content, prefix=self.prefix, tree=self.tree, committer=self.committer
            )
            done.append((row, path, content))
        if self.remote is not None and end and not self.remote.is_at(end):
            self.remote.push(end)
        if not done:
            return end
        # Only now does the branch move; what is written is found again by its content, if the next step fails.
        self.repository.move(self.head, end)
        for row, path, content in done:
            agree(path, self._hash(row))
            articles.note_file(row, path, content.decode())
        self.outcome.written = len(done)
        return end

    def _remember(self, end: str) -> None:
        last = self.last
        last.head, last.at = end, now()
        last.pulled, last.written = self.outcome.pulled, self.outcome.written
        last.problems = "\n".join(self.outcome.problems)[:100_000]
        db.session.add(last)
        db.session.commit()

    def _articles(self) -> Iterator[Article]:
        options = (undefer(Article.body), undefer(Article.front_matter))
        return iter(db.session.scalars(select(Article).options(*options).order_by(Article.id)).all())

    def _agreed(self) -> dict[str, str]:
        return {row.path: row.blob for row in db.session.scalars(select(SyncedFile))}

    def _pages(self) -> dict[str, str]:
        """The pages of the newest commit, by their place among the documentation."""
        return {
            path.removeprefix(self.prefix): blob.sha
            for path, blob in self.tree.items()
            if path.startswith(self.prefix) and path.lower().endswith(".md") and not blob.is_link
            and not any(part.startswith(".") for part in path.split("/"))
        }  # fmt: skip

    def _hash(self, row: Article) -> str:
        content = articles.as_file(row).encode()
        kind = hashlib.sha256 if len(self.head) == 64 else hashlib.sha1
        return kind(b"blob %d\0" % len(content) + content).hexdigest()

    def _trouble(self, path: str, sentence: str) -> None:
        self.outcome.problems.append(f"{path}: {sentence}")


def folder_of_settings() -> Path | None:
    """The repository that the settings name, None if they name none."""
    named = current_app.extensions["settings"].kb.sync_dir
    return Path(named) if named else None


def register(app: Flask) -> None:
    """Importing this module registers its jobs; ``flask check`` also looks at the repository and its remote."""
    app.extensions.setdefault("doctors", []).append(_unready)


def _unready() -> list[Finding]:
    folder, remote = folder_of_settings(), current_app.extensions["settings"].kb.sync_remote
    if folder is None:
        return []
    try:
        repository = Repository(folder)
        if remote:
            Remote(repository, remote).has_branch()
    except (Refused, NotNow, OSError) as error:
        return [Finding(f"kb.sync_dir, {folder}: {error}")]
    return []


@jobs.every("kb.sync", 60)
def sync_when_due() -> None:
    """Queue a sync with the repository of the settings, as often as they say."""
    folder = folder_of_settings()
    if folder is None:
        return
    minutes = current_app.extensions["settings"].kb.sync_minutes
    last = db.session.scalar(select(SyncRun.at).where(SyncRun.folder == str(folder.resolve())[:500]))
    if last is None or last <= now() - timedelta(minutes=minutes):
        jobs.enqueue("kb.sync", key="kb.sync")


@jobs.job("kb.sync", attempts=1, lease_seconds=900, slow=True, waits=True)
def sync_by_settings() -> None:
    """Sync with the repository of the settings; what goes wrong is kept for the page of admins."""
    folder = folder_of_settings()
    if folder is None:
        return
    try:
        sync(folder, remote=current_app.extensions["settings"].kb.sync_remote)
    except (Refused, NotNow) as error:
        db.session.rollback()
        logger.warning("sync with %s: %s", folder, error)
        name = str(folder.resolve())[:500]
        row = db.session.scalar(select(SyncRun).where(SyncRun.folder == name)) or SyncRun(folder=name)
        row.at, row.problems = now(), str(error)
        db.session.add(row)
