"""Commands of the knowledge base: import, export, and the search index."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import click
from flask import Flask
from flask.cli import AppGroup

if TYPE_CHECKING:
    from core.passages import Segments
    from kb.importing import Line
    from kb.search import Results

kb_group = AppGroup("kb", help="Articles as a folder of Markdown files.")
search_group = AppGroup("search", help="The search of articles and past answers.")

FOLDER = click.Path(file_okay=False, path_type=Path)


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(kb_group)
    app.cli.add_command(search_group)


@kb_group.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--language", default="en", help="Language of files that say nothing of it (default: en).")
@click.option("--as", "email", default="", help="E-mail address of whoever is named as the author.")
def import_(folder: Path, language: str, email: str) -> None:
    """Bring in the Markdown files of a FOLDER, with their pictures. Coming again, only what changed is written."""
    from accounts.models import find
    from core.db import db
    from kb import importing
    from kb.slugs import is_language

    if not is_language(language):
        raise click.BadParameter(f"“{language}” is not the code of a language.", param_hint="--language")
    by = find(email) if email else None
    if email and by is None:
        raise click.BadParameter(f"Nobody here has the address {email}.", param_hint="--as")
    report = importing.Report()
    with _Progress() as progress:
        for line in importing.steps(folder, by=by, language=language, begin=progress.begin):
            db.session.commit()
            report.lines.append(line)
            progress.show(line)
    db.session.commit()
    names = (importing.CREATED, importing.CHANGED, importing.UNCHANGED, importing.PROBLEM)
    click.echo(", ".join(f"{report.count(name)} {name}" for name in names))
    sys.exit(1 if report.failed else 0)


@kb_group.command("export")
@click.argument("folder", type=FOLDER)
def export(folder: Path) -> None:
    """Write all articles into a FOLDER, as they came or as files that can be brought in."""
    from kb import exporting, importing

    report = importing.Report()
    with _Progress() as progress:
        for line in exporting.export_folder(folder, begin=progress.begin):
            report.lines.append(line)
            progress.show(line)
    names = (importing.CREATED, importing.UNCHANGED, importing.PROBLEM)
    click.echo(", ".join(f"{report.count(name)} {name}" for name in names))
    sys.exit(1 if report.failed else 0)


@kb_group.command("sync")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option("--language", default="en", help="Language of files that say nothing of it (default: en).")
@click.option("--remote", default="", help="A remote to fetch from before, and to push to after (default: none).")
def sync(folder: Path | None, language: str, remote: str) -> None:
    """Keep articles and a Git repository the same: commits come in, changes made here go out as commits.

    FOLDER is a repository with or without a working tree; by default the one that the settings name.
    """
    from core.exceptions import HelpdeskError
    from kb import syncing

    folder = folder or syncing.folder_of_settings()
    if folder is None:
        raise click.UsageError("Name a repository, or set sync_dir in the section [kb] of the settings.")
    try:
        done = syncing.sync(folder, language=language, remote=remote)
    except HelpdeskError as error:
        raise click.ClickException(str(error)) from error
    for problem in done.problems:
        click.echo(f"problem    {' '.join(problem.split())}")
    click.echo(
        f"{done.pulled} pulled, {done.written} written, {done.waiting} for a person, {len(done.problems)} problem"
    )
    sys.exit(1 if done.problems or done.waiting else 0)


@kb_group.command("publish")
@click.argument("folder", type=FOLDER)
def publish(folder: Path) -> None:
    """Write what is public into a FOLDER of pages that need no server: to read, search and print from a disk."""
    from core.exceptions import HelpdeskError
    from kb import publishing

    try:
        done = publishing.publish(folder)
    except (HelpdeskError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"{done['pages']} pages, {done['files']} files; {done['kept']} as they were, {done['removed']} taken away"
    )


@search_group.command("rebuild")
def rebuild() -> None:
    """Build the search index anew beside the old one; searches go on meanwhile."""
    from core.db import db
    from kb import indexing
    from kb.search import IndexUnavailable

    try:
        count = indexing.rebuild(indexing.open_index())
    except IndexUnavailable as problem:
        raise click.ClickException(f"{problem}. Please try again in a moment.") from problem
    db.session.commit()
    click.echo(f"{count} documents in the index.")


@search_group.command("query")
@click.argument("text", required=False, default="")
@click.option("--limit", default=10, type=click.IntRange(1, 100), help="Most results of a query (default: 10).")
@click.option("--kind", default="", help="Only article or answer.")
@click.option("--lang", default="", help="Only texts in this language.")
@click.option("--file", "queries", type=click.File("r", encoding="utf-8"), help="Run each line of this file.")
def query(text: str, limit: int, kind: str, lang: str, queries: IO[str] | None) -> None:
    """Search what is public for TEXT; prints one JSON object a result and line. Words found are in <mark></mark>."""
    from kb import finding

    kinds, languages = ((kind,) if kind else ()), ((lang,) if lang else ())
    for asked in _queries(text, queries):
        results = finding.find(asked, user=None, kinds=kinds, languages=languages, limit=limit)
        for line in _result_lines(asked, results):
            click.echo(line)


def _queries(text: str, queries: IO[str] | None) -> Iterator[str]:
    if text:
        yield text
    if queries is not None:
        for line in queries:
            if line.strip():
                yield line.strip()


def _result_lines(asked: str, results: "Results") -> Iterator[str]:
    for hit in results.hits:
        found = {
            "query": asked, "kind": hit.kind, "title": hit.title, "url": hit.url, "language": hit.language,
            "snippet": _marked(hit.snippet), "score": hit.score,
        }  # fmt: skip
        yield json.dumps(found, ensure_ascii=False)


def _marked(segments: "Segments") -> str:
    """The words found in <mark>, everything else with its HTML escaped."""
    from markupsafe import escape

    return "".join(f"<mark>{escape(text)}</mark>" if found else str(escape(text)) for text, found in segments)


class _Progress:
    """A line for each file on standard output, and a bar on standard error where somebody watches."""

    def __enter__(self) -> Self:
        from tqdm import tqdm

        self._bar = tqdm(unit="file", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False)
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.close()

    def begin(self, count: int) -> None:
        """Set how many there are."""
        self._bar.total = count
        self._bar.refresh()

    def show(self, line: "Line") -> None:
        """Say what became of one."""
        self._bar.update(1)
        text = f"{line.outcome:<10} {line.path}" + (f": {line.sentence}" if line.sentence else "")
        self._bar.clear()
        click.echo(text)
