"""An SMTP server on a real socket that does what a script says: refuses, cuts the line, drips, forgets STARTTLS."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections import defaultdict

CUT = "cut"
HANG = "hang"
DRIP = "drip"


class SmtpDouble:
    """Takes mail; ``script[verb]`` is a list of answers, one for each time that the verb comes, then the usual one.

    Verbs: greeting, ehlo, starttls, auth, mail, rcpt, data (answer to DATA), end (answer to the final dot), quit. An
    answer is a line, or CUT (close), HANG (say nothing), DRIP (a byte now and then).
    """

    def __init__(self, *, features=(), certificate=None, pause=0.0):
        self.script = defaultdict(list)
        self.always = {}
        self.features = list(features)
        self.certificate = certificate
        self.pause = pause
        self.received = []
        self.seen = []
        self.clear = b""
        self.on_stage = lambda _stage: None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._stop.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def message_ids(self) -> list[str]:
        """The Message-ID of each mail that was taken, in order."""
        return [
            re.search(rb"^Message-ID: <(.+?)>", raw, re.MULTILINE)[1].decode() for _sender, _to, raw in self.received
        ]

    def _serve(self):
        while not self._stop.is_set():
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._session, args=(connection,), daemon=True).start()

    def _session(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError, EOFError), connection:
            self._converse(connection)

    def _converse(self, connection):
        is_tls = False
        self._answer(connection, "greeting", "220 double ESMTP")
        lines = _lines(connection)
        sender = to = ""
        while True:
            line = next(lines, None)
            if line is None:
                return
            if not is_tls:
                self.clear += line
            text = line.decode("utf-8", "replace").strip()
            verb = text.partition(" ")[0].partition(":")[0].lower()
            self.seen.append(verb)
            if self.pause:
                time.sleep(self.pause)
            if verb in ("ehlo", "helo"):
                features = ["double", *self.features, *(["STARTTLS"] if self.certificate and not is_tls else [])]
                reply = "\r\n".join(f"250{' ' if n == len(features) - 1 else '-'}{f}" for n, f in enumerate(features))
                self._answer(connection, "ehlo", reply)
            elif verb == "starttls":
                self._answer(connection, "starttls", "220 go on")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                connection = context.wrap_socket(connection, server_side=True)
                lines, is_tls = _lines(connection), True
            elif verb == "auth":
                self._answer(connection, "auth", "235 welcome")
            elif verb == "mail":
                sender = re.search(r"<(.*?)>", text)[1]
                self.on_stage("mail")
                self._answer(connection, "mail", "250 OK")
            elif verb == "rcpt":
                to = re.search(r"<(.*?)>", text)[1]
                self.on_stage("rcpt")
                self._answer(connection, "rcpt", "250 OK")
            elif verb == "data":
                if not self._answer(connection, "data", "354 go on").startswith("3"):
                    continue
                self.on_stage("data")
                raw = b""
                for part in lines:
                    if part == b".\r\n":
                        break
                    if not is_tls:
                        self.clear += part
                    raw += part.removeprefix(b".") if part.startswith(b"..") else part
                else:
                    return
                with self._lock:
                    answers = self.script["end"]
                    answer = answers.pop(0) if answers else self.always.get("end", "250 taken")
                if answer.startswith("2") or answer == "taken " + CUT:
                    self.received.append((sender, to, raw))
                    self.on_stage("taken")
                self._say(connection, CUT if answer.endswith(CUT) else answer)
                self.on_stage("answered")
            elif verb == "quit":
                self._answer(connection, "quit", "221 bye")
                return
            else:
                self._answer(connection, verb, "250 OK")

    def _answer(self, connection, verb, usual) -> str:
        with self._lock:
            answers = self.script[verb]
            answer = answers.pop(0) if answers else self.always.get(verb, usual)
        self._say(connection, answer)
        return answer

    def _say(self, connection, answer):
        if answer == CUT:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            raise EOFError
        if answer == HANG:
            self._stop.wait(30)
            raise EOFError
        if answer == DRIP:
            for _turn in range(300):
                connection.sendall(b"2")
                if self._stop.wait(0.1):
                    break
            raise EOFError
        connection.sendall(answer.encode() + b"\r\n")


def _lines(connection):
    buffer = b""
    while True:
        while b"\n" in buffer:
            line, _newline, buffer = buffer.partition(b"\n")
            yield line + b"\n"
        try:
            chunk = connection.recv(65536)
        except OSError:
            return
        if not chunk:
            return
        buffer += chunk
