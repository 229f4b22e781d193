"""Handing one mail to the SMTP server (RFC 5321), and what came of it.

TLS that is asked for is required. Only what the server says of this mail, with a 5xx code, ends it; whatever is wrong
between us and our own server (no connection, TLS, sign-in) lets it wait.
"""

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

from core.settings import Settings

# However slowly a server answers, all of it must end before the lease of the job does.
DEADLINE = 240.0
# After a server was silent for so long, others need not find out for themselves, one after the other.
PATIENCE = 3.0
REST = 30.0
LONGEST_REST = 120.0
# Codes that speak of our sign-in at whatever stage (RFC 4954, 6).
_SIGN_IN_CODES = frozenset({530, 534, 535, 538})

# (host, port) -> (until when on the monotonic clock, why, for how long)
_resting: dict[tuple[str, int], tuple[float, str, float]] = {}


@dataclass(frozen=True)
class Outcome:
    """What came of a try.

    :param state: sent, deferred (try again) or dead.
    :param fault: whose trouble it was: "sign-in", "tls" or "server" (ours), "" (what was said of this mail).
    :param is_tried: False where the server was not even asked, because it did not answer a moment ago.
    """

    state: str
    reason: str = ""
    fault: str = ""
    is_tried: bool = True


class _Watched(smtplib.SMTP):
    """A connection that ends at the deadline, even if the other side sends a byte now and then."""

    _timer: threading.Timer | None = None
    _first: socket.socket | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        self._first = super()._get_socket(host, port, timeout)  # type: ignore[misc] # Not in the stubs.
        self._timer = threading.Timer(DEADLINE, self._cut)
        self._timer.daemon = True
        self._timer.start()
        return self._first

    def _cut(self) -> None:
        now_open = self.sock or self._first
        if now_open is not None:
            # The base class's: that of a TLS socket would forget its state under the reader.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(now_open, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, and forget the deadline."""
        if self._timer is not None:
            self._timer.cancel()
        super().close()


class _WatchedTls(_Watched, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def deliver(raw: bytes, *, sender: str, recipient: str, settings: Settings) -> Outcome:
    """Hand over one mail; blocks, so no transaction may be open.

    :param sender: of the envelope, where bounces go.
    """
    place = (settings.mail.host, settings.mail.port)
    until, why, rest = _resting.get(place, (0.0, "", REST / 2))
    if time.monotonic() < until:
        return Outcome("deferred", why, "server", is_tried=False)
    begun = time.monotonic()
    outcome = _converse(raw, sender, recipient, settings)
    if not outcome.fault:
        _resting.pop(place, None)
    elif time.monotonic() - begun > PATIENCE:
        # Longer each time: a worker that waits for a silent server does nothing else meanwhile.
        rest = min(rest * 2, LONGEST_REST)
        _resting[place] = (time.monotonic() + rest, outcome.reason, rest)
    return outcome


def _converse(raw: bytes, sender: str, recipient: str, settings: Settings) -> Outcome:
    stage = "server"
    server: smtplib.SMTP | None = None
    mail = settings.mail
    try:
        if mail.tls == "tls":
            stage = "tls"
            context = ssl.create_default_context()
            server = _WatchedTls(mail.host, mail.port, timeout=mail.timeout_seconds, context=context)
        else:
            server = _Watched(mail.host, mail.port, timeout=mail.timeout_seconds)
        if mail.tls == "starttls":
            stage = "tls"
            server.starttls(context=ssl.create_default_context())
        if mail.user:
            stage = "sign-in"
            server.login(mail.user, mail.password)
        stage = ""
        server.ehlo_or_helo_if_needed()
        return _send(server, raw, sender, recipient)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        if (
            stage == "tls"
            and isinstance(error, OSError)
            and not isinstance(error, (ssl.SSLError, smtplib.SMTPException))
        ):
            stage = "server"
        return Outcome("deferred", _said(error), stage or "server")
    finally:
        if server is not None:
            _leave(server)


def _send(server: smtplib.SMTP, raw: bytes, sender: str, recipient: str) -> Outcome:
    options = ["SMTPUTF8", "BODY=8BITMIME"] if not (sender + recipient).isascii() else []
    if options and not server.has_extn("smtputf8"):
        return Outcome("dead", "the mail server takes no addresses beyond ASCII (SMTPUTF8)")
    try:
        server.sendmail(sender, [recipient], raw, mail_options=options)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return _verdict(code, f"{code} {_text(text)}")
    except smtplib.SMTPResponseException as error:
        return _verdict(error.smtp_code, _said(error))
    except (ValueError, UnicodeError) as error:
        return Outcome("dead", f"this address or text cannot be sent: {error}")
    return Outcome("sent")


def _verdict(code: int, reason: str) -> Outcome:
    if code in _SIGN_IN_CODES:
        return Outcome("deferred", reason, "sign-in")
    return Outcome("dead" if 500 <= code < 600 else "deferred", reason)


def _leave(server: smtplib.SMTP) -> None:
    """Part politely. What goes wrong now changes nothing: the server has the mail, or has said why not."""
    with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
        if server.sock is not None:
            server.sock.settimeout(2)
            server.docmd("QUIT")
    server.close()


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def _text(said: bytes | str) -> str:
    return " ".join((said.decode(errors="replace") if isinstance(said, bytes) else str(said)).split())
