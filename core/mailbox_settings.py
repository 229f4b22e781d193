"""Mailboxes in the settings: as many as there are, each ``[mailbox.NAME]`` with the keys below."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from core.exceptions import BadSetting

TLS = ("tls", "starttls", "none")
PREFIX = "HELPDESK_MAILBOX_"
EXAMPLE = "questions"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _key(default: Any, sentence: str) -> Any:  # A dataclass field stands for any type.
    return field(default=default, metadata={"sentence": sentence})


@dataclass(frozen=True)
class Mailbox:
    """A mailbox that mail comes in by: fetched by IMAP where it has a host, else named by whoever hands mail in."""

    host: str = _key("", "IMAP host; empty means that mail for this mailbox is handed in (pipe, LMTP or API).")
    port: int = _key(0, "IMAP port; 0 means the usual one: 993 with tls, else 143.")
    tls: str = _key("tls", "tls (from the first byte), starttls (required, never falls back) or none.")
    user: str = _key("", "IMAP user name.")
    password: str = _key("", "IMAP password.")
    folder: str = _key("INBOX", "The folder that is read.")
    addresses: tuple[str, ...] = _key((), "Addresses that belong to this mailbox, for mail handed in by LMTP.")
    team: str = _key("", "The team that new tickets from here belong to.")
    language: str = _key("", "Language (code) of new tickets whose own language cannot be told.")
    topic: str = _key("", "Topic (code) of new tickets from here.")
    after: str = _key("seen", "What happens on the server once a mail is stored: seen, move:FOLDER or delete.")
    idle: bool = _key(True, "Wait for new mail by IDLE where the server can do that.")
    poll_seconds: int = _key(60, "Look for new mail this often, with IDLE too, in seconds.")
    timeout_seconds: int = _key(30, "A server that says nothing for so long is left and tried again; at most 60.")

    @property
    def server_port(self) -> int:
        """The port to connect to."""
        return self.port or (993 if self.tls == "tls" else 143)

    @property
    def move_to(self) -> str:
        """The folder that stored mail is moved to, "" if it is not moved."""
        return self.after.removeprefix("move:") if self.after.startswith("move:") else ""


def check(name: str, mailbox: Mailbox) -> None:
    """Look at what types do not say.

    :raises BadSetting: naming the mailbox and the key.
    """
    where = f"[mailbox.{name}]"
    if not _NAME.fullmatch(name):
        raise BadSetting(f"{where}: a name is made of letters, digits, dots, hyphens and underscores")
    if mailbox.tls not in TLS:
        raise BadSetting(f"{where}: “tls” must be tls, starttls or none, not “{mailbox.tls}”")
    if mailbox.after not in {"seen", "delete"} and not mailbox.move_to:
        raise BadSetting(f"{where}: “after” must be seen, move:FOLDER or delete, not “{mailbox.after}”")
    if mailbox.move_to and mailbox.move_to.casefold() == mailbox.folder.casefold():
        raise BadSetting(f"{where}: “after” moves mail into the folder that is read")
    if mailbox.host and not mailbox.user:
        raise BadSetting(f"{where}: “user” is missing")
    if not 1 <= mailbox.timeout_seconds <= 60:
        raise BadSetting(f"{where}: “timeout_seconds” must be from 1 to 60")
    if mailbox.poll_seconds < 1:
        raise BadSetting(f"{where}: “poll_seconds” must be at least 1")


def of_variable(variable: str, known: Mapping[str, Any]) -> tuple[str, str] | None:
    """The mailbox and the key that ``HELPDESK_MAILBOX_<NAME>_<KEY>`` stands for, None if it stands for none.

    :param known: the mailboxes of the file: one whose name differs only in case, dots or hyphens is meant.
    """
    rest = variable.removeprefix(PREFIX)
    if rest == variable:
        return None
    for key in sorted((item.name for item in fields(Mailbox)), key=len, reverse=True):
        name = rest.removesuffix(f"_{key.upper()}")
        if name not in {rest, ""}:
            meant = [other for other in known if _plain(other) == _plain(name)]
            return (meant[0] if meant else name.lower()), key
    return None


def example(toml: Any) -> list[str]:
    """The commented lines of ``config.example.toml``, given the function that writes a value."""
    lines = ["", f"# {Mailbox.__doc__}", "# Remove the first “#” of these lines, and repeat them for each mailbox.",
             f"#[mailbox.{EXAMPLE}]"]  # fmt: skip
    for item in fields(Mailbox):
        lines += [f"## {item.metadata['sentence']}", f"#{item.name} = {toml(item.default)}"]
    return lines


def _plain(name: str) -> str:
    return re.sub(r"[.-]", "_", name).casefold()
