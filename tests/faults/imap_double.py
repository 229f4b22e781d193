"""An IMAP server for tests, on a real socket, whose every answer can be made to go wrong.

Folders live in memory and outlive connections. ``faults`` is asked before each command of a session: what it returns
is done instead ("no", "bye", "cut", "hang", "empty", ("body", n): cut after n bytes of a body, ("lie", n): a literal
that says n bytes too many).
"""

import contextlib
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Folder:
    uidvalidity: int = 1
    next_uid: int = 1
    mails: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)


class ImapDouble:
    """Serve one user's folders. ``capabilities`` may lack MOVE, UIDPLUS or IDLE."""

    def __init__(self, capabilities="IMAP4rev1 UIDPLUS MOVE IDLE", certificate=None):
        self.certificate = certificate
        self.capabilities = capabilities
        self.folders = {"INBOX": Folder()}
        self.lock = threading.RLock()
        self.faults = lambda _session, _verb, _rest: None
        self.commands: list[str] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self._server.getsockname()[1]
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def add(self, raw: bytes, folder="INBOX") -> int:
        with self.lock:
            place = self.folders[folder]
            uid = place.next_uid
            place.next_uid += 1
            place.mails[uid], place.flags[uid] = raw, set()
            return uid

    def expunge(self, uid: int, folder="INBOX") -> None:
        """As another client would."""
        with self.lock:
            self.folders[folder].mails.pop(uid, None)

    def renumber(self, folder="INBOX") -> None:
        """A new UIDVALIDITY: every mail gets another UID."""
        with self.lock:
            old = self.folders[folder]
            new = Folder(uidvalidity=old.uidvalidity + 1)
            self.folders[folder] = new
            for uid, raw in sorted(old.mails.items()):
                new.mails[new.next_uid], new.flags[new.next_uid] = raw, old.flags[uid]
                new.next_uid += 1

    def inbox(self) -> dict[int, bytes]:
        with self.lock:
            return dict(self.folders["INBOX"].mails)

    def cut_all(self) -> None:
        for each in list(self._open):
            _close(each)

    def close(self):
        self._closed = True
        self._server.close()
        self.cut_all()

    def _accept(self):
        while not self._closed:
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            try:
                connection = context.wrap_socket(connection, server_side=True)
            except OSError:
                return
        Session(self, connection, self.connections).run()


def _close(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


class Session:
    def __init__(self, double, connection, number):
        self.double, self.connection, self.number = double, connection, number
        self.file = connection.makefile("rb")
        self.folder = None

    def say(self, text):
        self.connection.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def run(self):
        try:
            self.say(f"* OK [CAPABILITY {self.double.capabilities}] ready")
            while line := self.file.readline():
                tag, _space, rest = line.decode("latin-1").strip().partition(" ")
                verb, _space, rest = rest.partition(" ")
                if verb.upper() == "UID":
                    verb, _space, rest = rest.partition(" ")
                    verb = "UID " + verb
                if not self.command(tag, verb.upper(), rest):
                    break
        except (OSError, ValueError):
            pass
        finally:
            _close(self.connection)

    def command(self, tag, verb, rest):
        self.double.commands.append(f"{verb} {rest}")
        fault = self.double.faults(self, verb, rest)
        if fault == "cut":
            return False
        if fault == "bye":
            self.say("* BYE closing for maintenance")
            return False
        if fault == "hang":
            time.sleep(3600)
        if fault == "no":
            self.say(f"{tag} NO not now")
            return True
        with self.double.lock:
            answer = getattr(self, verb.lower().replace(" ", "_"), None)
            if answer is None:
                self.say(f"{tag} BAD unknown command")
                return True
            done = answer(rest, fault) if verb == "UID FETCH" else answer(rest) if verb != "IDLE" else None
        if verb == "IDLE":
            return self.idle(tag)
        if done == "cut":
            return False
        self.say(f"{tag} {done or 'OK done'}")
        return verb != "LOGOUT"

    def capability(self, _rest):
        self.say(f"* CAPABILITY {self.double.capabilities}")

    def login(self, _rest):
        return f"OK [CAPABILITY {self.double.capabilities}] signed in"

    def noop(self, _rest):
        if self.folder:
            self.say(f"* {len(self.place.mails)} EXISTS")

    def logout(self, _rest):
        self.say("* BYE")

    @property
    def place(self):
        return self.double.folders[self.folder]

    def select(self, rest):
        name = rest.strip().strip('"')
        if name not in self.double.folders:
            return "NO no such folder"
        self.folder = name
        self.say("* FLAGS (\\Seen \\Deleted)")
        self.say(f"* {len(self.place.mails)} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {self.place.uidvalidity}] ok")
        self.say(f"* OK [UIDNEXT {self.place.next_uid}] ok")
        return "OK [READ-WRITE] selected"

    examine = select

    def list(self, rest):
        wanted = rest.split(" ")[-1].strip('"')
        for name in self.double.folders:
            if wanted in ("*", name):
                self.say(f'* LIST () "/" "{name}"')

    def create(self, rest):
        self.double.folders[rest.strip().strip('"')] = Folder(uidvalidity=77)

    def idle(self, tag):
        self.say("+ idling")
        known = len(self.place.mails)
        self.connection.settimeout(0.02)
        while True:
            try:
                line = self.connection.recv(100)
            except TimeoutError:
                with self.double.lock:
                    count = len(self.place.mails)
                if count != known:
                    known = count
                    self.say(f"* {count} EXISTS")
                fault = self.double.faults(self, "IDLING", "")
                if fault == "bye":
                    self.say("* BYE idle too long")
                    return False
                if fault == "cut":
                    return False
                continue
            self.connection.settimeout(None)
            if not line:
                return False
            if self.double.faults(self, "DONE", "") == "hang":
                time.sleep(3600)
            self.say(f"{tag} OK idle ended")
            return True

    def among(self, text):
        uids = sorted(self.place.mails)
        found = []
        for part in text.split(","):
            first, _colon, last = part.partition(":")
            top = max(uids, default=0)
            low = top if first == "*" else int(first)
            high = low if not last else (top if last == "*" else int(last))
            low, high = min(low, high), max(low, high)
            found += [uid for uid in uids if low <= uid <= high]
        return sorted(set(found))

    def uid_search(self, rest):
        match = re.search(r"UID (\S+)", rest)
        self.say("* SEARCH " + " ".join(str(uid) for uid in self.among(match[1])))

    def uid_fetch(self, rest, fault):
        wanted, _space, items = rest.partition(" ")
        if fault == "empty":
            return None
        for uid in self.among(wanted):
            raw = self.place.mails[uid]
            number = sorted(self.place.mails).index(uid) + 1
            header = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")[0] + b"\r\n\r\n"
            if "RFC822.SIZE" in items:
                self.say(f"* {number} FETCH (UID {uid} RFC822.SIZE {len(raw)})")
            elif "HEADER.FIELDS" in items:
                line = re.search(rb"(?im)^message-id:.*$", header)
                text = (line[0].strip() if line else b"") + b"\r\n\r\n"
                name = "BODY[HEADER.FIELDS (MESSAGE-ID)]"
                self.say(f"* {number} FETCH (UID {uid} {name} {{{len(text)}}}\r\n".encode() + text + b")\r\n")
            elif "HEADER" in items:
                text = header[:65536]
                self.say(f"* {number} FETCH (UID {uid} BODY[HEADER]<0> {{{len(text)}}}\r\n".encode() + text + b")\r\n")
            else:
                told = len(raw) + (fault[1] if fault and fault[0] == "lie" else 0)
                sent = raw[: fault[1]] if fault and fault[0] == "body" else raw
                self.say(f"* {number} FETCH (UID {uid} BODY[] {{{told}}}\r\n".encode() + sent)
                if fault and fault[0] == "body":
                    return "cut"
                self.say(b")\r\n")
        return None

    def uid_store(self, rest):
        wanted, _space, more = rest.partition(" ")
        for uid in self.among(wanted):
            self.place.flags[uid] |= set(re.findall(r"\\\w+", more))

    def uid_copy(self, rest):
        wanted, _space, name = rest.partition(" ")
        name = name.strip('"')
        if name not in self.double.folders:
            return "NO [TRYCREATE] no such folder"
        for uid in self.among(wanted):
            self.double.add(self.place.mails[uid], name)
        return ""

    def uid_move(self, rest):
        uids = self.among(rest.partition(" ")[0])
        failed = self.uid_copy(rest)
        if not failed:
            for uid in uids:
                self.place.mails.pop(uid)
        return failed

    def uid_expunge(self, rest):
        for uid in self.among(rest):
            if "\\Deleted" in self.place.flags[uid]:
                self.place.mails.pop(uid)
