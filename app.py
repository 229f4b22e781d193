"""The application: everything that is registered, in one place. Imported by no part.

Imports wait inside the functions: ``flask mail receive`` runs once for every mail that an MTA hands over, and must not
pay for the whole application.
"""

import gc
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from core.settings import Settings

ROOT = Path(__file__).parent

PARTS = ("accounts", "kb", "helpdesk", "peers", "portal")

# Modules with a register(app): blueprints, subscribers and commands of each part.
REGISTERED = (
    "core.cli",
    "core.mail_sending",
    "accounts.views",
    "accounts.people_views",
    "accounts.notices",
    "accounts.cli",
    "kb.views",
    "kb.view_counts",
    "kb.edit_views",
    "kb.answer_views",
    "kb.api",
    "kb.syncing",
    "kb.sync_views",
    "kb.gap_views",
    "kb.synonym_views",
    "kb.health_views",
    "kb.indexing",
    "kb.meaning",
    "kb.related",
    "kb.notices",
    "kb.laying_out",
    "kb.unused_files",
    "kb.cli",
    "helpdesk.views",
    "helpdesk.desk_views",
    "helpdesk.files",
    "helpdesk.suggestion_views",
    "helpdesk.measuring",
    "helpdesk.held_out",
    "helpdesk.mail_views",
    "helpdesk.mail_text_views",
    "helpdesk.publish_views",
    "helpdesk.notices",
    "helpdesk.consent_notices",
    "helpdesk.planned",
    "helpdesk.intake",
    "helpdesk.cited_together",
    "helpdesk.api",
    "helpdesk.cli",
    "peers.views",
    "peers.connection_views",
    "peers.notices",
    "peers.digest",
    "portal.views",
    "portal.link_views",
    "portal.search_views",
    "portal.admin_views",
    "portal.suggestion_report_views",
    "portal.api",
    "portal.cli",
)


def create_app(settings: "Settings | None" = None) -> Flask:
    """Make the application.

    :param settings: by default those of the file and the environment; a bad one ends the process with its sentence.
    """
    if settings is None and ("mail", "receive") in pairwise(sys.argv):
        app = Flask(__name__)
        app.cli.add_command(import_module("helpdesk.receive").mail)
        return app
    # Nothing that is made here is ever garbage, and looking for some takes a sixth of the time.
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        return _build(_settings() if settings is None else settings)
    finally:
        if is_collecting:
            gc.enable()


def _settings() -> "Settings":
    from core import doctor, settings
    from core.exceptions import BadSetting

    try:
        loaded = settings.load()
        doctor.refuse_weak_key(loaded)
    except BadSetting as error:
        sys.exit(f"The settings cannot be used: {error}.")
    return loaded


def _build(settings: "Settings") -> Flask:
    import logging

    from accounts import sign_ins
    from core import compress, db, i18n, web
    from core.settings import with_secret_key

    logging.basicConfig(level=settings.log.level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = Flask("helpdesk_site", root_path=str(ROOT))
    app.extensions["settings"] = settings
    app.config["FILE_MEGABYTES"] = settings.files.max_megabytes
    app.config["FILES_DIR"] = settings.data_dir / "files"
    app.config["ASSET_VERSION"] = _asset_version(ROOT / "static")
    # Functions that run after a request run in reverse order: what is compressed last is set up first.
    compress.init_app(app)
    db.init_app(app, settings)
    i18n.init_app(app, settings.site.languages, settings.site.time_zone)
    sign_ins.init_app(app)
    web.init_app(app, settings, with_secret_key(settings))
    if not _only_serves():
        from flask_migrate import Migrate

        Migrate(app, db.db, directory=str(ROOT / "migrations"), include_object=_is_ours, render_as_batch=True)
    for part in PARTS:
        import_module(f"{part}.policy")
    for name in REGISTERED:
        import_module(name).register(app)
    return app


def _only_serves() -> bool:
    """Whether this process answers requests and nothing else: it migrates nothing, and so needs 8 MB less."""
    return "gunicorn" in Path(sys.argv[0]).parts[-2:]


def _asset_version(folder: Path) -> str:
    """Changes when a static file changes, so that browsers may keep the files for ever."""
    newest = max((path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()), default=0)
    return f"{newest:x}"[-10:]


def _is_ours(_thing: Any, name: str | None, kind: str, _reflected: bool, _against: Any) -> bool:  # noqa: FBT001
    """Leave the tables of full-text search, which are made by hand in migrations, out of comparisons."""
    words = ("ticket_text", "search_", "inbound_mail_words", "ix_inbound_mail_words", "outgoing_mail_words",
             "ix_outgoing_mail_words")  # fmt: skip
    return not (kind in ("table", "index") and (name or "").startswith(words))
