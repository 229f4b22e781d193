"""Backup and restore: the database as it was at one moment, then the files (which only grow), in one archive.

The search index is never part of it: it is rebuilt from the database (and one of its files is a pickle, which must not
come
from an archive).
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO

import pysqlite3
from flask import Flask

from core.db import now
from core.exceptions import Refused
from core.settings import Settings

FORMAT = 1
MANIFEST, DATABASE, KEY = "manifest.json", "database", "secret-key"
SECONDS = 3600


def make(app: Flask, target: Path) -> dict[str, object]:
    """Write a backup; a file appears at ``target`` only once it is whole. Returns the manifest."""
    settings: Settings = app.extensions["settings"]
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        database = Path(folder) / DATABASE
        if settings.on_postgresql:
            _dump_postgresql(settings, database)
        else:
            _copy_sqlite(settings, database)
        manifest: dict[str, object] = {
            "format": FORMAT, "made_at": now().isoformat(),
            "engine": "postgresql" if settings.on_postgresql else "sqlite",
            "database_sha256": _hash(database), "files": 0,
        }  # fmt: skip
        root: Path = app.config["FILES_DIR"]
        with tarfile.open(part, "w:gz", compresslevel=6) as archive:
            archive.add(database, DATABASE)
            key = settings.data_dir / KEY
            if key.exists():
                archive.add(key, KEY)
            count = 0
            for path in sorted(root.rglob("*")) if root.exists() else ():
                if path.is_file() and len(path.name) == 64:
                    archive.add(path, f"files/{path.relative_to(root).as_posix()}")
                    count += 1
            manifest["files"] = count
            text = json.dumps(manifest, indent=1).encode()
            item = tarfile.TarInfo(MANIFEST)
            item.size = len(text)
            archive.addfile(item, io.BytesIO(text))
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.chmod(0o600)
    part.replace(target)
    return manifest


def restore(app: Flask, source: Path, *, force: bool) -> dict[str, object]:
    """Put a backup in the place of what is here. Everything is checked before anything is replaced.

    :raises Refused: for an archive that is broken, of another engine or of a newer format, or if there is data
        here and
        ``force`` is not given.
    """
    settings: Settings = app.extensions["settings"]
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as name:
        folder = Path(name)
        manifest = _unpack(source, folder)
        engine = "postgresql" if settings.on_postgresql else "sqlite"
        if manifest.get("engine") != engine:
            raise Refused(f"This backup is of {manifest.get('engine')}, but this site runs on {engine}.")
        if _has_data(app) and not force:
            raise Refused("There is data here already. Say --force to put the backup in its place.")
        _put_files(folder / "files", app.config["FILES_DIR"])
        if (folder / KEY).exists() and not settings.security.secret_key:
            shutil.copyfile(folder / KEY, settings.data_dir / KEY)
            (settings.data_dir / KEY).chmod(0o600)
        if settings.on_postgresql:
            _load_postgresql(settings, folder / DATABASE)
        else:
            _put_sqlite(settings, folder / DATABASE)
        shutil.rmtree(settings.data_dir / "index", ignore_errors=True)
    return manifest


def _sqlite_path(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _copy_sqlite(settings: Settings, target: Path) -> None:
    source = pysqlite3.connect(f"file:{_sqlite_path(settings)}?mode=ro", uri=True)
    copy = pysqlite3.connect(str(target))
    try:
        source.backup(copy)
        _check_sqlite(copy)
    finally:
        copy.close()
        source.close()


def _check_sqlite(connection: object) -> None:
    answer = connection.execute("PRAGMA integrity_check").fetchone()[0]  # type: ignore[attr-defined] # A driver's own.
    if answer != "ok":
        raise Refused(f"The database is damaged: {answer}")


def _put_sqlite(settings: Settings, source: Path) -> None:
    copy = pysqlite3.connect(str(source))
    try:
        _check_sqlite(copy)
    finally:
        copy.close()
    target = _sqlite_path(settings)
    # Through SQLite itself, so that a process that has the file open sees the new content and not a torn one.
    new, old = pysqlite3.connect(str(source)), pysqlite3.connect(str(target), timeout=30)
    try:
        new.backup(old)
    finally:
        new.close()
        old.close()


def _dump_postgresql(settings: Settings, target: Path) -> None:
    url = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    _run(["pg_dump", "--format=custom", "--no-owner", "--file", str(target), "--dbname", url])


def _load_postgresql(settings: Settings, source: Path) -> None:
    url = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    _run(["pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname", url, str(source)])


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    except FileNotFoundError:
        raise Refused(f"{command[0]} is needed; install the PostgreSQL client programs.") from None
    if result.returncode != 0:
        raise Refused(f"{command[0]} failed: {result.stderr.strip()[:500]}")


def _unpack(source: Path, folder: Path) -> dict[str, object]:
    """Unpack what belongs to a backup, and nothing else, and check it."""
    try:
        with gzip.open(source) as whole:
            # To the end, where the checksum is: the members alone would not show that the tail is missing.
            while whole.read(1 << 20):
                pass
        with tarfile.open(source, "r:gz") as archive:
            for item in archive:
                path = PurePosixPath(item.name)
                known = item.name in {MANIFEST, DATABASE, KEY} or (path.parts[0] == "files" and len(path.name) == 64)
                if not item.isfile() or not known or ".." in path.parts or path.is_absolute():
                    raise Refused(f"The archive holds “{item.name}”, which no backup has.")
                content = archive.extractfile(item)
                assert content is not None
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                digest = _write(content, target)
                if path.parts[0] == "files" and digest != path.name:
                    raise Refused(f"The file {path.name} in the archive is damaged.")
        manifest: dict[str, object] = json.loads((folder / MANIFEST).read_text())
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise Refused(f"This is no whole backup: {error}") from error
    if manifest.get("format") != FORMAT:
        raise Refused("This backup was made by another version of the helpdesk.")
    if _hash(folder / DATABASE) != manifest.get("database_sha256"):
        raise Refused("The database in the archive is damaged.")
    return manifest


def _write(content: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _put_files(source: Path, root: Path) -> None:
    for path in source.rglob("*") if source.exists() else ():
        target = root / path.relative_to(source)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)


def _has_data(app: Flask) -> bool:
    from sqlalchemy import inspect, text

    from core.db import db

    with app.app_context():
        if not inspect(db.engine).has_table("user"):
            return False
        return db.session.execute(text('SELECT 1 FROM "user" LIMIT 1')).first() is not None


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
