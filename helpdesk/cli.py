"""Commands of mail: receive (see receive.py), parse, replay, fetch, listen and reconcile."""

import json
import signal
import sys
import threading
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from core.db import db
from core.exceptions import NotNow
from core.mailbox_settings import Mailbox
from core.mime import Address, ParsedMail, Unparsable, to_json
from core.mime_child import parse_in_child
from core.room import NoRoom
from helpdesk import fetching, health, inbound, reconciling
from helpdesk.imap_server import Declined, Unreachable
from helpdesk.intake_models import InboundMail
from helpdesk.receive import mail


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(mail)
    app.extensions.setdefault("doctors", []).append(health.findings)


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


@mail.command()
@click.option("--mailbox", default="", help="Name of the mailbox; by default all that have a host.")
@click.option("--once", is_flag=True, help="Fetch what is there and end, as for cron.")
@with_appcontext
def fetch(mailbox: str, once: bool) -> None:
    """Fetch mail by IMAP until stopped, or once; exit 1 if a mailbox could not be fetched."""
    boxes = _boxes(mailbox)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # A proxy knows its object.
    if not once:
        fetching.run_all(app, boxes, _stopped().is_set)
        return
    failed = False
    for name, box in boxes.items():
        try:
            count = fetching.once(name, box)
            click.echo(f"{name}: {count} stored." if count >= 0 else f"{name}: another process is fetching it.")
        except (Unreachable, Declined, NoRoom) as error:
            click.echo(f"{name}: {error}", err=True)
            failed = True
    sys.exit(1 if failed else 0)


@mail.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=2424, show_default=True, help="Port to listen on.")
@click.option("--socket", "path", default="", help="Path of a socket to listen on instead.")
@with_appcontext
def listen(host: str, port: int, path: str) -> None:
    """Take mail from a mail server by LMTP until stopped. Whoever can connect can hand mail in."""
    # Needed by nothing else, and larger than most parts of ours.
    from helpdesk import listening

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        listening.listen(
            app, host=host, port=port, path=path, stop=_stopped().is_set,
            ready=lambda number: click.echo(f"Listening on {path or f'{host}:{number}'}."),
        )  # fmt: skip
    except OSError as error:
        raise click.ClickException(str(error)) from None


@mail.command()
@click.option("--mailbox", default="", help="Name of the mailbox; by default all that have a host.")
@with_appcontext
def reconcile(mailbox: str) -> None:
    """Compare mailboxes with the mail log now, and fetch what is missing; exit 1 if one could not be compared."""
    failed = False
    for name, box in _boxes(mailbox).items():
        try:
            click.echo(f"{name}: {reconciling.now_and_here(name, box)}")
        except (Unreachable, Declined, NoRoom) as error:
            click.echo(f"{name}: {error}", err=True)
            failed = True
    sys.exit(1 if failed else 0)


def _boxes(wanted: str) -> dict[str, Mailbox]:
    try:
        return fetching.names(wanted)
    except LookupError as error:
        raise click.ClickException(str(error)) from None


def _stopped() -> threading.Event:
    """Set when the process is told to end (TERM, or Ctrl-C)."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


def _nothing(problem: str) -> ParsedMail:
    nobody: list[Address] = []
    return ParsedMail(
        message_id="", in_reply_to="", references=[], date=None, from_=None, reply_to=nobody, to=nobody, cc=nobody,
        subject="", text="", html="", reply_text="", language="", is_automatic=None, is_bounce=None, attachments=[],
        problems=[problem], auth_results=[], delivered_to=[], return_path=None,
    )  # fmt: skip
