"""What the last import of a folder found, so that the same folder is not looked through again.

Only a shortcut: what is remembered counts while neither a file nor an article has changed since.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select

from core.db import db
from kb.collection_models import Collection
from kb.folders import Folder, Found
from kb.models import Article, ArticleFile

# To be raised when pages are read or laid out in another way.
RULES = 3


class Memory:
    """What is remembered of one folder.

    :param settings: files elsewhere that say how it is read.
    """

    def __init__(self, folder: Folder, found: Sequence[Found], language: str, settings: Sequence[Path] = ()) -> None:
        self._files = self._state_of(folder, found, language, settings)
        name = hashlib.sha256(os.fsencode(folder.root)).hexdigest()[:32]
        self._path = current_app.extensions["settings"].data_dir / "imports" / f"{name}.json"

    def recall(self) -> list[tuple[str, str, str]] | None:
        """The lines of the last import, if it would find the same again; None otherwise."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._path.read_bytes())
            if kept["mark"] == self._mark():
                return [(str(path), str(outcome), str(sentence)) for path, outcome, sentence in kept["lines"]]
        return None

    def keep(self, lines: Sequence[tuple[str, str, str]]) -> None:
        """Remember the lines of an import, at its end."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps({"mark": self._mark(), "lines": lines}), encoding="utf-8")
            draft.replace(self._path)

    def _mark(self) -> str:
        """The files as they were found, and all articles and collections as they are."""
        seen = hashlib.sha256(self._files)
        db.session.flush()
        rows = db.session.execute(select(Article.id, Article.version).order_by(Article.id)).all()
        seen.update(repr([tuple(row) for row in rows]).encode())
        rows = db.session.execute(select(Collection.id, Collection.version).order_by(Collection.id)).all()
        seen.update(repr([tuple(row) for row in rows]).encode())
        kept = db.session.execute(select(func.count(ArticleFile.id), func.max(ArticleFile.id))).one()
        seen.update(repr(tuple(kept)).encode())
        return seen.hexdigest()

    @staticmethod
    def _state_of(folder: Folder, found: Sequence[Found], language: str, settings: Sequence[Path]) -> bytes:
        seen = hashlib.sha256(f"{RULES} {language}".encode())
        files = [(each.path, each.problem, folder.root / each.path) for each in found]
        for path, problem, full in [*files, *((each.name, "", each) for each in settings)]:
            try:
                state = full.stat()
                seen.update(repr((path, problem, state.st_size, state.st_mtime_ns, state.st_ino)).encode())
            except (OSError, ValueError):
                seen.update(repr((path, problem)).encode())
        return seen.digest()
