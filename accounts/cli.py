"""Commands about people, for whoever runs the site."""

import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from accounts import links, people, sign_ins
from accounts.links import PURPOSE
from accounts.models import User, find
from accounts.roles import REQUESTER, ROLES
from accounts.scopes import SCOPES
from core import signing
from core.db import db, now
from core.exceptions import HelpdeskError
from core.web import external

accounts = AppGroup("accounts", help="People, their tokens and their sign-in links.")


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(accounts)


@accounts.command()
@click.argument("email")
@click.option("--role", "roles", multiple=True, type=click.Choice(list(ROLES)), help="A role; may be given again.")
@click.option("--name", default="", help="The person's name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, roles: tuple[str, ...], name: str, password_stdin: bool) -> None:
    """Add the person EMAIL; without a password, they sign in by a link."""
    try:
        user = people.add(email=email, name=name, roles=roles or (REQUESTER,))
        # Whoever runs the site vouches for the address.
        user.verified_at = now()
        if password_stdin:
            user.password_hash = people.new_password_hash(sys.stdin.readline().rstrip("\r\n"), user.email)
    except HelpdeskError as error:
        raise click.ClickException(str(error)) from error
    db.session.commit()
    click.echo(f"{user.email} is here now, as {', '.join(sorted(user.roles))}.")


@accounts.command()
@click.argument("email")
@click.option("--scope", "scopes", multiple=True, required=True, help=f"May be given again. {', '.join(SCOPES)}.")
@click.option("--name", default="", help="What the token is for.")
@click.option("--days", default=365, show_default=True, help="How long it works.")
def token(email: str, scopes: tuple[str, ...], name: str, days: int) -> None:
    """Print a new API token of the person EMAIL, this once."""
    user = _person(email)
    wanted = [scope for given in scopes for scope in given.replace(",", " ").split()]
    try:
        made = sign_ins.make_token(user, wanted, name=name, days=days)
    except HelpdeskError as error:
        raise click.ClickException(str(error)) from error
    db.session.commit()
    click.echo(made)


@accounts.command()
@click.argument("email")
def link(email: str) -> None:
    """Print a sign-in link of the person EMAIL, for when mail does not work."""
    user = _person(email)
    if user.is_disabled:
        raise click.ClickException(f"{user.email} is disabled.")
    made = links.make(user)
    db.session.commit()
    minutes = current_app.extensions["settings"].security.link_minutes
    click.echo(external("accounts.open_link", token=signing.derived(PURPOSE, made.seed)))
    click.echo(f"It works once, for {minutes} minutes.", err=True)


@accounts.command()
@click.argument("email")
def disable(email: str) -> None:
    """Shut the person EMAIL out and end their sign-ins; what they wrote stays."""
    user = _person(email)
    people.disable(user, by=None)
    db.session.commit()
    click.echo(f"{user.email} cannot sign in any more.")


@accounts.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let the person EMAIL in again."""
    user = _person(email)
    people.enable(user, by=None)
    db.session.commit()
    click.echo(f"{user.email} can sign in again.")


def _person(email: str) -> User:
    user = find(email)
    if user is None:
        raise click.ClickException(f"Nobody here has the address {email}.")
    return user
