"""What somebody wrote, and for whom, on its way into a ticket."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accounts.models import User
from core.files import StoredFile


@dataclass(frozen=True)
class Words:
    """What somebody wrote, from a page or from a mail.

    :param body: the new words: Markdown, or plain text from mail.
    :param full_text: the whole text of a mail where it says more than ``body``.
    """

    body: str
    is_markdown: bool = True
    full_text: str = ""
    files: Sequence[StoredFile] = ()
    # (file, name, content id) of pictures that the text shows.
    inline_files: Sequence[tuple[StoredFile, str, str]] = ()
    channel: str = "web"
    mail_message_id: str = ""
    is_verified: bool = True
    language: str = ""
    # What our mail server says of the sender, and why the message is kept the way it is.
    proof: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Recipients:
    """Who an analyst's reply goes to, as people."""

    to: Sequence[User] = field(default_factory=tuple)
    cc: Sequence[User] = field(default_factory=tuple)
