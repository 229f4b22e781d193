"""Commands of the house itself: work, check, backup and restore."""

import gc
import signal
import sys
from pathlib import Path
from types import FrameType

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from core import backup as backups
from core import doctor, jobs
from core.exceptions import HelpdeskError


def register(app: Flask) -> None:
    """Add the commands."""
    for command in (work, check, backup, restore):
        app.cli.add_command(command)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due, then stop.")
@with_appcontext
def work(once: bool) -> None:
    """Run jobs and clocks: mail in, mail out, the search index."""
    # What was loaded stays for ever; what a job makes is much and lives briefly.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    if once:
        jobs.run_clocks()
        click.echo(f"{jobs.run_until_idle()} jobs done.")
        return
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    jobs.work(current_app._get_current_object(), stop=lambda: stopped)  # type: ignore[attr-defined]


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
