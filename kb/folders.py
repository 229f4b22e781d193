"""A folder of files from somebody else, read with care: nothing outside it, nothing that is no file, nothing huge."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.exceptions import Refused
from core.i18n import _

LARGEST_TEXT = 2 * 1024 * 1024
PATH_LENGTH = 500
# Uploaded files stand here in an exported folder, each under its token, so that links to them go on working.
UPLOADS = "_files"
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", UPLOADS})
MOST_FILES = 200_000


@dataclass(frozen=True)
class Found:
    """A file below the folder, by its path with slashes; ``problem`` says why it cannot be used, "" if it can."""

    path: str
    problem: str = ""


class Folder:
    """A folder; every path is relative to it and written with slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def walk(self) -> Iterator[Found]:
        """Its files in order, hidden ones left out, and those links that lead out of it."""
        count = 0
        for folder, names, file_names in os.walk(self.root):
            here = Path(folder)
            for name in sorted(names):
                if (here / name).is_symlink() and not self.holds(here / name):
                    yield Found(self.relative(here / name), str(_("This link leads out of the folder.")))
            names[:] = sorted(name for name in names if not name.startswith(".") and name not in SKIPPED_FOLDERS)
            for name in sorted(file_names):
                if name.startswith("."):
                    continue
                count += 1
                if count > MOST_FILES:
                    sentence = _("The folder has more than %(count)s files; the rest is left out.", count=MOST_FILES)
                    yield Found(self.relative(here / name), str(sentence))
                    return
                path = self.relative(here / name)
                is_inside = not (here / name).is_symlink() or self.holds(here / name)
                yield Found(path, "" if is_inside else str(_("This link leads out of the folder.")))

    def relative(self, path: Path) -> str:
        """The path of a file, with what is not UTF-8 in its name replaced."""
        return os.fsencode(path.relative_to(self.root).as_posix()).decode("utf-8", "replace")

    def holds(self, path: Path) -> bool:
        """Whether a path is there and inside, whatever links it goes through."""
        try:
            return path.resolve(strict=True).is_relative_to(self.root)
        except (OSError, RuntimeError):
            return False

    def is_file(self, path: str) -> bool:
        """Whether there is a regular file at a path, be it a link that leads out."""
        try:
            return (self.root / path).is_file()
        except (OSError, ValueError):
            return False

    def content(self, path: str, limit: int) -> bytes:
        """What a file holds.

        :param limit: in bytes.
        :raises Refused: with a sentence, if it leads out, cannot be read, is no regular file or is larger.
        """
        full = self.root / path
        if not self.holds(full):
            if not full.is_symlink() and not full.exists():
                raise Refused(_("The file cannot be read: %(problem)s.", problem=_("there is none")))
            raise Refused(_("This link leads out of the folder."))
        try:
            # A pipe would wait for its writer.
            descriptor = os.open(full.resolve(strict=True), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise Refused(_("This is not a file that can be read."))
                content = file.read(limit + 1)
        except OSError as error:
            raise Refused(_("The file cannot be read: %(problem)s.", problem=error.strerror or "")) from None
        if len(content) > limit:
            raise Refused(_("The file is larger than %(megabytes)s MB.", megabytes=limit // (1024 * 1024)))
        return content

    def text(self, path: str) -> str:
        """The text of a file, character for character.

        :raises Refused: with a sentence that names the line, if it cannot be read, is too large or is not UTF-8.
        """
        content = self.content(path, LARGEST_TEXT)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            sentence = _("The file is not UTF-8 (byte %(position)s, line %(line)s).", position=error.start, line=line)
            raise Refused(sentence) from None
        if "\x00" in text:
            line = text.count("\n", 0, text.index("\x00")) + 1
            raise Refused(_("The file contains a character that cannot be kept (line %(line)s).", line=line))
        return text
