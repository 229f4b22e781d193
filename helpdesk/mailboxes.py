"""The mailboxes of the settings: which one a mail came by, and what a new ticket takes over from it."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import current_app

from core.mailbox_settings import Mailbox
from core.settings import Settings

TEAM_LENGTH = 60


@dataclass(frozen=True)
class Defaults:
    """What a new ticket takes over from the mailbox that it came by; "" where that says nothing."""

    team: str = ""
    language: str = ""
    topic: str = ""


def all_of_them() -> dict[str, Mailbox]:
    """Every mailbox of the settings, by name."""
    settings: Settings = current_app.extensions["settings"]
    return dict(settings.mailboxes)


def fetched() -> dict[str, Mailbox]:
    """Those that are fetched by IMAP."""
    return {name: box for name, box in all_of_them().items() if box.host}


def defaults(name: str) -> Defaults:
    """What a ticket that came by a mailbox starts with; nothing for a mailbox that the settings do not know."""
    box = all_of_them().get(name)
    return Defaults(box.team[:TEAM_LENGTH], box.language, box.topic) if box is not None else Defaults()


def teams() -> list[str]:
    """The teams that mailboxes name, in order."""
    return sorted({box.team[:TEAM_LENGTH] for box in all_of_them().values() if box.team})


def of_recipient(address: str, separator: str) -> str:
    """The mailbox that an address belongs to: by its addresses, else by a local part that is its name; else ""."""
    local, _at, domain = address.lower().rpartition("@")
    bare = f"{local.split(separator)[0]}@{domain}" if separator else f"{local}@{domain}"
    boxes = all_of_them()
    for name, box in boxes.items():
        if {address.lower(), bare} & {each.lower() for each in box.addresses}:
            return name
    by_name: Iterable[str] = (name for name in boxes if name.lower() == bare.rpartition("@")[0])
    return next(iter(by_name), "")
