"""Whether the disk has room for more mail: it pauses before the disk is full, not after."""

import shutil
from pathlib import Path

from core.exceptions import HelpdeskError
from core.settings import Settings

MEGABYTE = 1024 * 1024
# On a disk so small that the setting would never be met, less than this share of it is too little.
SHARE = 20


class NoRoom(HelpdeskError):
    """The disk is nearly full: mail stays where it is until there is room."""


def free_megabytes(settings: Settings) -> int:
    """How much is free where the data is, in megabytes."""
    return shutil.disk_usage(_existing(settings.data_dir)).free // MEGABYTE


def check(settings: Settings) -> None:
    """Look whether mail may come in.

    :raises NoRoom: if less is free than the settings ask for.
    """
    usage = shutil.disk_usage(_existing(settings.data_dir))
    least = min(settings.mail.min_free_megabytes * MEGABYTE, usage.total // SHARE)
    if usage.free < least:
        raise NoRoom(
            f"only {usage.free // MEGABYTE} MB are free on the disk; mail in pauses below {least // MEGABYTE}"
        )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
