"""A backup is whole or not there; a restore checks everything before it replaces anything."""

import io
import tarfile

import pytest

from core import backup, files
from core.db import db
from core.exceptions import Refused
from helpdesk import tickets
from helpdesk.models import Ticket
from helpdesk.tickets import Words
from tests.conftest import member


@pytest.fixture
def saved(app, tmp_path):
    """A backup of a site with one ticket and one file."""
    with app.app_context():
        file = files.save(b"ocid,amount\n1,2\n", "data.csv")
        tickets.ask(by=member("paula"), title="Kept", words=Words("x", files=[file]))
        db.session.commit()
        db.session.remove()
    target = tmp_path / "backups" / "site.tar.gz"
    backup.make(app, target)
    return target


def titles(app):
    with app.app_context():
        found = db.session.scalars(db.select(Ticket.title)).all()
        db.session.remove()
        db.engine.dispose()
        return found


def test_what_was_backed_up_comes_back_and_what_came_later_goes(app, saved):
    with app.app_context():
        tickets.ask(by=member("paula"), title="Later", words=Words("x"))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    backup.restore(app, saved, force=True)
    assert titles(app) == ["Kept"]
    with app.app_context():
        row = db.session.scalars(db.select(files.StoredFile)).one()
        assert files.read(row) == b"ocid,amount\n1,2\n"
        db.session.remove()


def test_data_is_not_replaced_without_a_word(app, saved):
    with pytest.raises(Refused, match="--force"):
        backup.restore(app, saved, force=False)


@pytest.mark.parametrize("keep", [0, 10, 500, -20])
def test_a_torn_archive_is_refused_and_nothing_changes(app, saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(Refused):
        backup.restore(app, saved, force=True)
    assert titles(app) == ["Kept"]


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "files/../../evil", "index/toc", "files/x"])
def test_an_archive_with_anything_else_in_it_is_refused(app, saved, name, tmp_path):
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(saved) as source, tarfile.open(evil, "w:gz") as target:
        for item in source:
            target.addfile(item, source.extractfile(item))
        extra = tarfile.TarInfo(name)
        extra.size = 1
        target.addfile(extra, io.BytesIO(b"x"))
    with pytest.raises(Refused, match="which no backup has"):
        backup.restore(app, evil, force=True)


def test_a_link_in_an_archive_is_refused(app, saved, tmp_path):
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as target:
        link = tarfile.TarInfo("database")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        target.addfile(link)
    with pytest.raises(Refused):
        backup.restore(app, evil, force=True)


def test_a_changed_file_in_an_archive_is_refused(app, saved, tmp_path):
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(saved) as source, tarfile.open(evil, "w:gz") as target:
        for item in source:
            content = source.extractfile(item).read()
            if item.name.startswith("files/"):
                content = bytes(len(content))
            target.addfile(item, io.BytesIO(content))
    with pytest.raises(Refused, match="damaged"):
        backup.restore(app, evil, force=True)
