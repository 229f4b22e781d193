"""Commands that need every part: the demo data."""

import click
from flask import Flask
from flask.cli import AppGroup

demo_group = AppGroup("demo", help="Demo data.")


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(demo_group)


@demo_group.command("load")
def demo_load() -> None:
    """Load the demo data, if it is not there yet."""
    from portal import demo

    if demo.is_loaded():
        click.echo("The demo data is here already.")
        return
    demo.load()
    click.echo(demo.sign_ins())
