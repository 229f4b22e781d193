"""Commands of mail: receive (see receive.py), parse and replay."""

import json
import sys
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

from core.db import db
from core.exceptions import NotNow
from core.mime import Address, ParsedMail, Unparsable, to_json
from core.mime_child import parse_in_child
from helpdesk import inbound, mailbox_models  # noqa: F401 # Its tables belong to the house.
from helpdesk.intake_models import InboundMail
from helpdesk.receive import mail


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(mail)


@mail.command()
@click.argument("files", nargs=-1, required=True)
def parse(files: tuple[str, ...]) -> None:
    """Print what is in each of FILES (- is standard input): one JSON object a line, in their order.

    A file that cannot be read or parsed gives an object that says so under “problems”; the others go on.
    """
    for name in files:
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            parsed = parse_in_child(raw)
        except Unparsable as error:
            parsed = _nothing(error.reason)
        except OSError as error:
            parsed = _nothing(f"{name}: {error.strerror or error}")
        click.echo(json.dumps(to_json(parsed), ensure_ascii=False))


@mail.command()
@click.argument("number", type=int)
@click.option("--by-hand", is_flag=True, help="A person wrote it, whatever signs of a machine it carries.")
@with_appcontext
def replay(number: int, by_hand: bool) -> None:
    """Have mail NUMBER of the mail log read again by the worker."""
    row = db.session.get(InboundMail, number)
    if row is None:
        raise click.ClickException(f"There is no mail {number}.")
    try:
        inbound.replay(row, by=None, by_hand=by_hand)
    except NotNow as error:
        raise click.ClickException(str(error)) from None
    db.session.commit()
    click.echo(f"Mail {number} will be read again.")


def _nothing(problem: str) -> ParsedMail:
    nobody: list[Address] = []
    return ParsedMail(
        message_id="", in_reply_to="", references=[], date=None, from_=None, reply_to=nobody, to=nobody, cc=nobody,
        subject="", text="", html="", reply_text="", language="", is_automatic=None, is_bounce=None, attachments=[],
        problems=[problem], auth_results=[], delivered_to=[], return_path=None,
    )  # fmt: skip
