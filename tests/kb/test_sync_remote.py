"""A sync with a remote: fetched before, pushed to after, never by force; and the states of the workflow in files."""

import dataclasses
import subprocess
import time

import pytest
from sqlalchemy import func, select

from core import doctor
from core.db import db
from core.exceptions import NotNow, Refused
from kb import articles, git_repository, syncing, workflow
from kb.git_remote import Remote
from kb.models import Article, Revision
from kb.pages import Details
from tests.conftest import member
from tests.kb.test_syncing import HOME, Git, at, change, revisions


@pytest.fixture
def origin(tmp_path):
    """A bare repository that others push to, as a server has it."""
    return Git(tmp_path / "origin.git", bare=True)


@pytest.fixture
def ana(tmp_path, origin):
    """The clone of somebody else."""
    git = Git(tmp_path / "ana")
    git("remote", "add", "origin", str(origin.folder))
    git.commit("First pages", {"a.md": "# A\n\none\n\ntwo\n\nthree\n", "b.md": "# B\n"})
    git("push", "-q", "-u", "origin", "main")
    return git


@pytest.fixture(params=["bare", "working tree"])
def clone(request, tmp_path, ana, origin):
    """The clone that the site syncs with."""
    bare = ["--bare"] if request.param == "bare" else []
    subprocess.run(["git", "clone", "-q", *bare, str(origin.folder), tmp_path / "clone"], env=HOME, check=True)
    git = Git.__new__(Git)
    git.folder = tmp_path / "clone"
    return git


def run(git, remote="origin"):
    done = syncing.sync(git.folder, remote=remote)
    db.session.commit()
    db.session.expire_all()
    return done.pulled, done.written, done.waiting, done.problems


def pull(git):
    git("pull", "-q", "--no-rebase", "--no-edit")


def push(git, message, changes):
    git.commit(message, changes)
    git("push", "-q")


def hook(origin, script):
    path = origin.folder / "hooks/pre-receive"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_what_others_push_comes_in_and_what_is_written_here_is_pushed(context, clone, ana, origin):
    assert run(clone) == (2, 0, 0, [])
    push(ana, "Say more", {"a.md": "# A\n\nmore\n", "b.md": None, "c.md": "# C\n"})
    change("a.md", "# A\n\none\n\ntwo\n\nthree\n\nfour\n")
    change("a.md", "# A\n\none\n\ntwo\n\nthree\n")
    assert run(clone)[:2] == (2, 0)
    assert at("a.md").body == "# A\n\nmore\n"
    change("a.md", "# A\n\nbetter\n")
    assert run(clone)[:2] == (0, 1)
    assert origin.show("a.md") == "# A\n\nbetter\n"
    pull(ana)
    assert (ana.folder / "a.md").read_text() == "# A\n\nbetter\n"
    assert run(clone) == (0, 0, 0, [])
    if (clone.folder / ".git").is_dir():
        assert clone("status", "--porcelain") == "", "the working tree has followed"
        assert not (clone.folder / "b.md").exists()


def test_without_the_option_no_other_repository_is_asked(context, clone, ana, origin):
    run(clone, "")
    push(ana, "Say more", {"a.md": "# A\n\nmore\n"})
    before = origin("rev-parse", "main")
    change("b.md", "# B\n\nours\n")
    assert run(clone, "") == (0, 1, 0, [])
    assert origin("rev-parse", "main") == before
    # Later with it: what both sides have is joined, and pushed.
    assert run(clone) == (1, 0, 0, [])
    assert origin.show("b.md") == "# B\n\nours\n"
    assert origin.show("a.md") == "# A\n\nmore\n"


def test_a_push_that_is_refused_is_tried_again_with_what_somebody_else_pushed(
    context, clone, ana, origin, monkeypatch
):
    run(clone)
    change("a.md", at("a.md").body.replace("three", "THREE"))
    real, pushed = Remote.push, []

    def overtaken(self, commit):
        if len(pushed) < 2:
            pushed.append(commit)
            pull(ana)
            push(ana, f"Meanwhile {len(pushed)}", {"a.md": origin.show("a.md").replace("one", f"one {len(pushed)}")})
        real(self, commit)

    monkeypatch.setattr(Remote, "push", overtaken)
    assert run(clone)[1:] == (1, 0, [])
    assert len(pushed) == 2
    assert origin.show("a.md") == at("a.md").body == "# A\n\none 1 2\n\ntwo\n\nTHREE\n".replace("1 2", "2 1")
    assert run(clone) == (0, 0, 0, [])


def test_when_somebody_else_is_always_faster_nothing_is_lost_and_it_is_said(context, clone, ana, origin, monkeypatch):
    run(clone)
    change("b.md", "# B\n\nours\n")
    real, pushed = Remote.push, []

    def overtaken(self, commit):
        pushed.append(commit)
        push(ana, "Meanwhile", {"a.md": f"# A\n\n{len(pushed)}\n"})
        real(self, commit)

    monkeypatch.setattr(Remote, "push", overtaken)
    with pytest.raises(NotNow) as refused:
        run(clone)
    assert "Nothing is lost" in str(refused.value)
    assert len(pushed) == 3
    monkeypatch.undo()
    db.session.expire_all()
    assert at("b.md").body == "# B\n\nours\n"
    end = clone("rev-parse", "main").strip()
    assert origin("rev-parse", "main~1").strip() == end, "no commit of ours was left behind"
    assert run(clone)[1:] == (1, 0, [])
    assert (origin.show("a.md"), origin.show("b.md")) == ("# A\n\n3\n", "# B\n\nours\n")


def test_a_remote_that_does_not_want_the_commits_is_named_and_nothing_is_lost(context, clone, ana, origin):
    run(clone)
    change("b.md", "# B\n\nours\n")
    hook(origin, "echo main is protected >&2; exit 1")
    with pytest.raises(NotNow) as refused:
        run(clone)
    assert "main is protected" in str(refused.value)
    (origin.folder / "hooks/pre-receive").unlink()
    assert run(clone) == (0, 1, 0, [])
    assert origin.show("b.md") == "# B\n\nours\n"


def test_a_history_that_was_rewritten_is_reported_and_the_old_one_kept(context, clone, ana, origin):
    run(clone)
    push(ana, "To be rewritten", {"a.md": "# A\n\nrewritten away\n"})
    run(clone)
    change("b.md", "# B\n\nours\n")
    old = clone("rev-parse", "main").strip()
    ana("reset", "-q", "--hard", "HEAD~1")
    ana.commit("Instead", {"a.md": "# A\n\ninstead\n"})
    ana("push", "-q", "--force")
    pulled, written, waiting, (problem,) = run(clone)
    assert (pulled, written, waiting) == (1, 1, 0)
    assert "rewritten" in problem
    kept = problem.rstrip(".").rpartition(" ")[2]
    assert clone("rev-parse", kept).strip() == old
    assert at("a.md").body == "# A\n\ninstead\n"
    assert [row.body for row in revisions("a.md")][1] == "# A\n\nrewritten away\n"
    assert origin.show("b.md") == "# B\n\nours\n"
    assert run(clone) == (0, 0, 0, [])


def test_a_remote_that_was_set_back_is_not_pushed_to_what_it_dropped(context, clone, ana, origin):
    push(ana, "Too much", {"a.md": "# A\n\na secret by mistake\n"})
    run(clone)
    ana("reset", "-q", "--hard", "HEAD~1")
    ana("push", "-q", "--force")
    assert "rewritten" in run(clone)[3][0]
    assert "secret" not in origin("log", "-p", "main")


def test_commits_in_the_clone_go_out_too_and_what_does_not_go_together_is_left_to_git(context, clone, ana, origin):
    run(clone)
    if not (clone.folder / ".git").is_dir():
        return
    clone.commit("By hand", {"b.md": "# B\n\nby hand\n"})
    push(ana, "Elsewhere", {"a.md": "# A\n\nelsewhere\n"})
    assert run(clone)[:2] == (2, 0)
    assert origin.show("b.md") == "# B\n\nby hand\n"
    clone.commit("By hand", {"b.md": "# B\n\none thing\n"})
    pull(ana)
    push(ana, "Elsewhere", {"b.md": "# B\n\nanother thing\n"})
    with pytest.raises(NotNow) as refused:
        run(clone)
    assert "Merge them with Git" in str(refused.value)
    assert at("b.md").body == "# B\n\nby hand\n"
    assert clone.show("b.md") == "# B\n\none thing\n"


def test_a_remote_that_does_not_answer_is_given_up(context, clone, tmp_path, monkeypatch):
    run(clone)
    change("b.md", "# B\n\nours\n")
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "ssh").write_text("#!/bin/sh\nsleep 60\n")
    (slow / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow}:{HOME['PATH']}")
    monkeypatch.setattr(git_repository, "REMOTE_SECONDS", 1)
    clone("config", "remote.origin.url", "git@git.example:docs.git")
    began = time.monotonic()
    with pytest.raises(NotNow) as refused:
        run(clone)
    assert "longer than 1 seconds" in str(refused.value)
    assert time.monotonic() - began < 10
    clone("config", "remote.origin.url", str(tmp_path / "nowhere.git"))
    with pytest.raises(NotNow) as refused:
        run(clone)
    assert "cannot be reached" in str(refused.value)
    assert str(tmp_path) not in str(refused.value).replace("origin", ""), "an address may hold a password"


@pytest.mark.parametrize(
    "address", ["ext::sh -c touch% owned", "git://x/y", "-oProxyCommand=x", "--upload-pack=x", "fd::7"]
)
def test_a_remote_that_would_run_a_program_is_refused(context, clone, tmp_path, address):
    clone("config", "remote.origin.url", address)
    with pytest.raises(Refused):
        run(clone)


def test_settings_of_the_clone_run_nothing(context, clone, ana, tmp_path):
    owned = tmp_path / "owned"
    for key in ("core.sshCommand", "remote.origin.uploadpack", "remote.origin.receivepack", "credential.helper"):
        clone("config", key, f"touch {owned}; false")
    clone("config", "remote.origin.vcs", "evil")
    assert run(clone) == (2, 0, 0, [])
    change("b.md", "# B\n\nours\n")
    assert run(clone) == (0, 1, 0, [])
    assert not owned.exists()


def test_an_unknown_remote_and_an_empty_one(context, app, clone, tmp_path):
    for name in ("nowhere", "--all", "a b"):
        with pytest.raises(Refused):
            run(clone, name)
    empty = Git(tmp_path / "empty.git", bare=True)
    clone("remote", "add", "empty", str(empty.folder))
    assert run(clone, "empty")[3] == []
    assert empty.show("b.md") == "# B\n"
    result = app.test_cli_runner().invoke(args=["kb", "sync", str(clone.folder), "--remote", "none"])
    assert (result.exit_code, "no remote" in result.output) == (1, True)


def test_the_states_of_the_workflow_travel_and_none_is_lost(context, clone, ana, origin):
    run(clone)
    workflow.need_update(at("a.md"), by=None)
    draft = articles.write(Details(title="New", slug="new", state="draft"), "New.\n", by=member("bruno"))
    workflow.ask_review(draft, member("carla"), by=member("bruno"))
    db.session.commit()
    versions = db.session.scalar(select(func.count(Revision.id)))
    assert run(clone) == (0, 2, 0, [])
    assert "state: needs_update\n" in origin.show("a.md")
    assert "state: in_review\n" in origin.show("en/new.md")
    assert "State, order or place: A" in origin("log", "--format=%s", "main")
    # A change of the text there leaves the state that it has here.
    pull(ana)
    push(
        ana, "Say more", {"a.md": origin.show("a.md") + "\nmore\n", "en/new.md": origin.show("en/new.md") + "\nmore\n"}
    )
    assert run(clone)[0] == 2
    assert (at("a.md").state, at("en/new.md").state) == ("needs_update", "in_review")
    assert db.session.scalar(select(func.count(Revision.id))) == versions + 2
    # A state that the file says anew counts.
    push(ana, "Looked through", {"a.md": origin.show("a.md").replace("needs_update", "published"),
                                 "b.md": "---\nstate: retired\n---\n# B\n"})  # fmt: skip
    run(clone)
    assert (at("a.md").state, at("b.md").state, at("en/new.md").state) == ("published", "retired", "in_review")
    assert run(clone) == (0, 0, 0, [])


def test_a_file_that_says_nothing_of_states_brings_nothing_back(context, clone, ana):
    run(clone, "")
    articles.withdraw(at("a.md"), by=None)
    workflow.retire(at("b.md"), None, by=None)
    db.session.commit()
    clone_of_all = ana.folder
    from kb.importing import import_folder

    import_folder(clone_of_all, by=None)
    assert (at("a.md").state, at("b.md").state) == ("withdrawn", "retired")
    (clone_of_all / "a.md").write_text("# A\n\nother words\n")
    import_folder(clone_of_all, by=None)
    assert (at("a.md").state, at("a.md").body) == ("withdrawn", "# A\n\nother words\n")


def test_a_file_of_an_article_written_here_can_be_moved(context, clone, ana, origin):
    run(clone)
    articles.write(Details(title="New", slug="new", state="published"), "New.\n", by=member("bruno"))
    db.session.commit()
    run(clone)
    pull(ana)
    ana("mv", "en/new.md", "moved.md")
    push(ana, "Move", {})
    assert run(clone) == (0, 0, 0, [])
    assert db.session.scalar(select(func.count(Article.id))) == 3
    assert at("moved.md").state == "published"


def test_the_check_before_production_asks_the_remote(context, clone, origin, monkeypatch):
    settings = context.extensions["settings"]
    kb = dataclasses.replace(settings.kb, sync_dir=str(clone.folder), sync_remote="origin")
    monkeypatch.setitem(context.extensions, "settings", dataclasses.replace(settings, kb=kb))

    def told():
        return [one.sentence for one in doctor.examine(context) if one.sentence.startswith("kb.sync_dir")]

    assert told() == []
    origin.folder.rename(origin.folder.with_name("elsewhere"))
    (sentence,) = told()
    assert "cannot be reached" in sentence
    assert str(origin.folder) not in sentence, "an address may hold a password"
