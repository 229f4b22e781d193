"""Commands of the house itself: work, check, backup and restore."""

import click
from flask import Flask
from flask.cli import with_appcontext

from core import jobs


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(work)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due, then stop.")
@with_appcontext
def work(once: bool) -> None:  # noqa: FBT001 # Click passes flags so.
    """Run jobs and clocks: mail in, mail out, the search index."""
    import signal  # noqa: PLC0415 # Only the worker needs it.
    from types import FrameType  # noqa: PLC0415

    from flask import current_app  # noqa: PLC0415

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
    jobs.work(current_app._get_current_object(), stop=lambda: stopped)  # type: ignore[attr-defined] # noqa: SLF001
