"""Articles and a Git repository are kept the same, both ways, and nothing is lost or doubled."""

import os
import subprocess
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from core.db import db
from core.exceptions import NotNow, Refused
from kb import articles, sync_conflicts, syncing
from kb.models import Article, Revision
from kb.pages import Details
from kb.sync_models import SyncConflict, SyncedFile
from tests.conftest import member
from tests.kb.test_articles import PNG

HOME = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


class Git:
    """A repository, as somebody works with it."""

    def __init__(self, folder, *, bare=False):
        self.folder = folder
        folder.mkdir()
        self("init", "-q", "-b", "main", *(["--bare"] if bare else []))

    def __call__(self, *words, name="Ana Pérez", email="ana@docs.example", date="2026-03-01T10:00:00Z"):
        people = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in
                  (("NAME", name), ("EMAIL", email), ("DATE", date))}  # fmt: skip
        done = subprocess.run(["git", *words], cwd=self.folder, env=HOME | people, capture_output=True, check=True)
        return done.stdout.decode()

    def commit(self, message, changes, **who):
        for path, text in changes.items():
            target = self.folder / path
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())
        self("add", "-A")
        self("commit", "-q", "-m", message, **who)

    def show(self, path):
        return self("show", f"main:{path}")


@pytest.fixture
def repository(tmp_path):
    git = Git(tmp_path / "repository")
    git.commit(
        "First pages",
        {
            "guide/lots.md": "# Lots\n\none\n\ntwo\n\nthree\n\n![p](p.png)\n",
            "guide/p.png": PNG,
            "a.md": "# A\n\ntext\n",
        },
    )
    return git


def run(git):
    done = syncing.sync(git.folder)
    db.session.expire_all()
    return done.pulled, done.written, done.waiting, done.problems


def at(path) -> Article:
    options = [undefer(Article.body), undefer(Article.body_html), undefer(Article.front_matter)]
    return db.session.scalars(select(Article).where(Article.source_path == path).options(*options)).one()


def change(path, text, by="carla"):
    row = at(path)
    articles.edit(row, articles.details_of(row), text, by=member(by), reason="Say it better")
    db.session.commit()


def revisions(path):
    return db.session.scalars(
        select(Revision).where(Revision.article_id == at(path).id).order_by(Revision.number)
    ).all()


def test_commits_come_in_as_revisions_with_their_author_message_and_date(context, repository):
    assert run(repository) == (2, 0, 0, [])
    assert run(repository) == (0, 0, 0, [])
    repository.commit("Say more", {"a.md": "# A\n\nmore\n"}, date="2026-03-02T10:00:00Z")
    repository.commit(
        "Say all", {"a.md": "# A\n\nall\n"}, name="X", email="bruno@helpdesk.example", date="2026-03-03T10:00:00Z"
    )
    assert run(repository) == (1, 0, 0, [])
    first, more, everything = revisions("a.md")
    assert first.reason == "First pages (Ana Pérez)"
    assert (more.reason, more.author, more.at) == ("Say more (Ana Pérez)", None, datetime(2026, 3, 2, 10, tzinfo=UTC))
    assert (everything.reason, everything.author.name) == ("Say all", "Bruno Keller")
    assert more.body.endswith("more\n")
    assert "/kb/files/" in at("guide/lots.md").body_html
    assert run(repository) == (0, 0, 0, [])
    assert len(revisions("a.md")) == 3


def test_what_is_changed_here_goes_out_as_a_commit(context, repository):
    run(repository)
    change("a.md", "# A\n\nbetter\n")
    articles.write(
        Details(title="Written here", slug="", state="published"), "Hello\n", by=member("bruno"), reason="New"
    )
    db.session.commit()
    assert run(repository) == (0, 2, 0, [])
    assert repository.show("a.md") == "# A\n\nbetter\n"
    assert "title: Written here" in repository.show("en/written-here.md")
    log = repository("log", "-2", "--reverse", "--format=%an|%ae|%cn|%s", "main").splitlines()
    assert log[0].startswith("Carla Mora|noreply+")
    assert log[0].endswith("@helpdesk.example|OCDS Helpdesk|Say it better")
    assert log[1].startswith("Bruno Keller|")
    assert repository("status", "--porcelain") == "", "the working tree has followed"
    assert (repository.folder / "a.md").read_text() == "# A\n\nbetter\n"
    assert run(repository) == (0, 0, 0, [])
    assert len(revisions("a.md")) == 2


def test_work_in_progress_in_the_working_tree_is_not_written_over(context, repository):
    run(repository)
    change("a.md", "# A\n\nbetter\n")
    (repository.folder / "a.md").write_text("# A\n\nhalf a thought\n")
    assert run(repository) == (0, 1, 0, [])
    assert (repository.folder / "a.md").read_text() == "# A\n\nhalf a thought\n"
    assert repository.show("a.md") == "# A\n\nbetter\n"


def test_changes_of_different_lines_go_together(context, repository):
    run(repository)
    lots = at("guide/lots.md").body
    change("guide/lots.md", lots.replace("three", "THREE"))
    repository.commit("One", {"guide/lots.md": lots.replace("one", "ONE")})
    assert run(repository) == (1, 1, 0, [])
    assert (
        repository.show("guide/lots.md")
        == lots.replace("one", "ONE").replace("three", "THREE")
        == at("guide/lots.md").body
    )
    assert run(repository) == (0, 0, 0, [])


def test_changes_of_the_same_line_wait_for_a_person_and_nothing_is_lost(context, repository):
    run(repository)
    change("a.md", "# A\n\nours\n")
    repository.commit("Theirs", {"a.md": "# A\n\ntheirs\n", "b.md": "# B\n"})
    assert run(repository) == (1, 0, 1, [])
    assert run(repository) == (0, 0, 1, [])
    conflict = db.session.scalars(select(SyncConflict)).one()
    assert (conflict.ours, conflict.theirs, conflict.author, conflict.message) == (
        "# A\n\nours\n",
        "# A\n\ntheirs\n",
        "Ana Pérez",
        "Theirs",
    )
    assert (at("a.md").body, repository.show("a.md")) == ("# A\n\nours\n", "# A\n\ntheirs\n")
    sync_conflicts.settle(conflict, "# A\n\nboth\n", by=member("bruno"))
    db.session.commit()
    assert run(repository) == (0, 1, 0, [])
    assert repository.show("a.md") == "# A\n\nboth\n"
    with pytest.raises(NotNow):
        sync_conflicts.settle(conflict, "x", by=member("bruno"))


def test_a_file_that_moved_stays_the_same_article_and_one_that_is_gone_waits_for_a_person(context, repository):
    run(repository)
    number = at("guide/lots.md").id
    repository("mv", "guide/lots.md", "guide/parts.md")
    repository.commit("Move", {"a.md": None})
    _pulled, written, waiting, problems = run(repository)
    assert (written, waiting, problems) == (0, 1, [])
    assert at("guide/parts.md").id == number
    gone = at("a.md")
    assert gone.state == "retired"
    assert run(repository) == (0, 0, 0, []), "it does not come back by itself"
    conflict = db.session.scalars(select(SyncConflict)).one()
    assert conflict.kind == "deleted"
    sync_conflicts.settle(conflict, conflict.ours, by=member("bruno"))
    db.session.commit()
    assert run(repository) == (0, 1, 0, [])
    assert repository.show("a.md") == "# A\n\ntext\n"
    assert db.session.scalar(select(func.count(Article.id))) == 2


def test_a_push_by_force_is_one_more_change(context, repository):
    run(repository)
    repository("checkout", "-q", "--orphan", "other")
    repository.commit("Rewritten", {"a.md": "# A\n\nrewritten\n", "new.md": "# New\n"})
    repository("branch", "-q", "-M", "main")
    repository("reflog", "expire", "--expire=now", "--all")
    repository("gc", "-q", "--prune=now")
    change("guide/lots.md", "# Lots\n\nours\n")
    assert run(repository) == (2, 1, 0, [])
    assert at("a.md").body == "# A\n\nrewritten\n"
    assert repository.show("guide/lots.md") == "# Lots\n\nours\n"
    assert run(repository) == (0, 0, 0, [])


def test_a_shallow_and_bare_clone_will_do(context, repository, tmp_path):
    for number in range(3):
        repository.commit(f"c{number}", {"a.md": f"# A\n\n{number}\n"})
    subprocess.run(
        ["git", "clone", "-q", "--bare", "--depth", "1", f"file://{repository.folder}", tmp_path / "clone"],
        env=HOME,
        check=True,
    )
    assert syncing.sync(tmp_path / "clone").pulled == 2
    change("a.md", "# A\n\nbetter\n")
    assert syncing.sync(tmp_path / "clone").written == 1
    shown = subprocess.run(
        ["git", "show", "main:a.md"], cwd=tmp_path / "clone", env=HOME, capture_output=True, check=True
    )
    assert shown.stdout == b"# A\n\nbetter\n"


def test_a_sync_that_stopped_in_the_middle_goes_on_and_doubles_nothing(context, repository, monkeypatch):
    run(repository)
    change("a.md", "# A\n\nours\n")
    repository.commit("More", {f"p{number}.md": f"# P{number}\n" for number in range(5)})
    real, count = syncing.agree, []

    def stop(path, blob):
        count.append(path)
        if len(count) == 3:
            raise KeyboardInterrupt
        real(path, blob)

    monkeypatch.setattr(syncing, "agree", stop)
    with pytest.raises(KeyboardInterrupt):
        run(repository)
    monkeypatch.setattr(syncing, "agree", real)
    db.session.rollback()
    monkeypatch.setattr(syncing._Sync, "_remember", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(repository)
    monkeypatch.undo()
    db.session.rollback()
    before = repository("rev-list", "--count", "main")
    assert run(repository) == (0, 0, 0, [])
    assert repository("rev-list", "--count", "main") == before
    assert db.session.scalar(select(func.count(Article.id))) == 7
    assert db.session.scalar(select(func.count(Revision.id))) == 8
    assert db.session.scalar(select(func.count(SyncedFile.id))) == 7


def test_nothing_of_the_repository_is_run_and_nothing_outside_is_read(context, repository, tmp_path):
    owned = tmp_path / "owned"
    for hook in ("reference-transaction", "post-commit", "pre-commit", "post-checkout"):
        path = repository.folder / ".git/hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {owned}-{hook}\n")
        path.chmod(0o755)
    for key in ("filter.x.smudge", "filter.x.clean", "core.fsmonitor", "diff.external", "core.pager"):
        repository("config", key, f"touch {owned}-{key}; cat")
    (tmp_path / "secret.md").write_text("# Canary\n")
    (repository.folder / "link.md").symlink_to(tmp_path / "secret.md")
    (repository.folder / "bad.md").write_bytes(b"\xff\xfe")
    (repository.folder / ".gitattributes").write_text("*.md filter=x\n")
    repository("-c", "core.fsmonitor=", "add", "-A")
    repository("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=", "commit", "-q", "-m", "Harm")
    for left in tmp_path.glob("owned*"):
        left.unlink()
    pulled, _written, _waiting, problems = run(repository)
    assert pulled == 2
    assert sorted(problem.partition(":")[0] for problem in problems) == ["bad.md", "link.md"]
    change("a.md", "# A\n\nbetter\n")
    run(repository)
    assert list(tmp_path.glob("owned*")) == []
    assert "Canary" not in " ".join(db.session.scalars(select(Article.body)))


def test_two_syncs_do_not_meet_and_what_is_no_repository_is_refused(context, repository, tmp_path):
    with syncing._one_at_a_time(), pytest.raises(NotNow):
        run(repository)
    (tmp_path / "plain").mkdir()
    with pytest.raises(Refused):
        syncing.sync(tmp_path / "plain")
    with pytest.raises(Refused):
        syncing.sync(repository.folder / "guide")
    assert syncing.sync(Git(tmp_path / "empty", bare=True).folder).problems == []
