"""Commands of the house itself: work, check, backup and restore."""

import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from core import backup as backups
from core import crew, doctor, jobs
from core.db import db
from core.exceptions import HelpdeskError

# So many jobs are worth a second process.
_MANY = 200


def register(app: Flask) -> None:
    """Add the commands."""
    for command in (work, check, backup, restore):
        app.cli.add_command(command)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due, then stop.")
@click.option("--processes", type=click.IntRange(1, 32), help="How many processes; else work.processes says.")
@with_appcontext
def work(once: bool, processes: int | None) -> None:
    """Run jobs and clocks: mail in, mail out, the search index."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    size = processes or app.extensions["settings"].work.processes
    if once:
        jobs.run_clocks()
        # A few jobs are done before a second process has begun, and writers of SQLite take turns anyway.
        if processes is None and (not app.extensions["settings"].on_postgresql or jobs.counts()["queued"] < _MANY):
            size = 1
    # What was loaded stays for ever, shared by all processes; what a job makes is much and lives briefly.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    if size == 1:
        done = jobs.run_until_idle() if once else _work_alone(app)
    else:
        db.session.remove()
        # Connections cannot be shared by processes.
        db.engine.dispose()
        done = crew.run(size, _duty(app, once=once), is_lasting=not once)
    if once:
        click.echo(f"{done} jobs done.")


def _work_alone(app: Flask) -> int:
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    jobs.work(app, stop=lambda: stopped)
    return 0


def _duty(app: Flask, *, once: bool) -> crew.Duty:
    """What each process does. Only the first one sends mail, so that a slow mail server holds up nothing else."""

    def duty(place: int, stop: Callable[[], bool]) -> int:
        but = () if place == 0 else jobs.waiting_kinds()
        if once:
            return jobs.run_until_idle(but=but)
        jobs.work(app, stop=stop, but=but)
        return 0

    return duty


@click.command()
@with_appcontext
def check() -> None:
    """Say what is unsafe or unready for production; exit 1 if anything is bad."""
    found = doctor.examine(current_app._get_current_object())  # type: ignore[attr-defined]
    for finding in found:
        click.echo(f"{'BAD ' if finding.is_bad else 'note'}  {finding.sentence}")
    if any(finding.is_bad for finding in found):
        sys.exit(1)
    click.echo("Ready for production.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup(file: Path) -> None:
    """Write everything but the search index into FILE, while the site goes on."""
    try:
        manifest = backups.make(current_app._get_current_object(), file)  # type: ignore[attr-defined]
    except HelpdeskError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{file}: the database and {manifest['files']} files.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the data that is here.")
@with_appcontext
def restore(file: Path, force: bool) -> None:
    """Put the backup in FILE in the place of what is here; stop web server and worker first."""
    try:
        manifest = backups.restore(current_app._get_current_object(), file, force=force)  # type: ignore[attr-defined]
    except HelpdeskError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Restored what was backed up at {manifest['made_at']}. The worker rebuilds the search index.")
