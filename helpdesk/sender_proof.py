"""Whether the sender of a mail was shown to be who they say: by what our own mail server wrote on it, nothing else.

Pure. ``Authentication-Results`` (RFC 8601) of other servers are text that a sender may have written: only the fields
at the very top that carry our own authserv-id count, and only for the one plain address that stands in From.
"""

import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError

from core.mime_headers import Headers, addresses

RESULT_LENGTH = 16
_PLAIN_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}"
# One mailbox as RFC 5322, 3.4 writes it, with nothing in it that two readers could read in two ways.
_PLAIN_FROM = re.compile(
    rf"(?:(?P<bare>{_PLAIN_ADDRESS})"
    r"|(?:\"(?:[^\"\\<>@]|\\.){0,500}\"|[^<>,;:@\"()\[\]\\]{0,500})?\s{0,20}"
    rf"(?:\([^()<>@\"\\]{{0,200}}\)\s{{0,20}})?<(?P<angled>{_PLAIN_ADDRESS})>)\s{{0,20}}(?:\([^()<>@\"\\]{{0,200}}\))?"
)
_RESULT = re.compile(r"\s*([A-Za-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([A-Za-z]+)(.*)", re.DOTALL)
_HEADER_FROM = re.compile(r"\bheader\s*\.\s*from\s*=\s*\"?(?:[^\s;\"@]*@)?([^\s;\"]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Proof:
    """What is known of a sender.

    :param level: "dmarc" if DMARC passed for the address in From, "none" if not, "" if no server of ours judges mail.
    :param spf: the word for SPF in our own results, "" if there is none; ``dkim`` and ``dmarc`` likewise.
    :param failed: whether our own server says that DMARC failed.
    """

    level: str = ""
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether the address in From is proved."""
        return self.level == "dmarc"

    @property
    def failed(self) -> bool:
        """Whether our server looked and found the sender not to be who they say."""
        return self.dmarc in ("fail", "permerror")


@dataclass(frozen=True)
class Result:
    """One ``Authentication-Results`` field: who wrote it, whether that is us, and what it says."""

    authserv_id: str
    is_ours: bool
    methods: tuple[tuple[str, str, str], ...]


def judge(header: Headers, authserv_id: str, sender: str) -> Proof:
    """What our own server says of a sender.

    :param authserv_id: how our server calls itself in ``Authentication-Results``; "" if it does not judge mail.
    :param sender: the address that was read in From.
    """
    if not authserv_id:
        return Proof()
    found: dict[str, list[tuple[str, str]]] = {"spf": [], "dkim": [], "dmarc": []}
    for result in results(header, authserv_id):
        if result.is_ours:
            for method, word, rest in result.methods:
                if method in found:
                    found[method].append((word, rest))
    domain = sender.rpartition("@")[2].lower()
    passed = bool(found["dmarc"]) and all(
        word == "pass" and all(name.lower().rstrip(".") == domain for name in _HEADER_FROM.findall(rest))
        for word, rest in found["dmarc"]
    )
    proved = passed and is_plain(header, sender)
    words = {method: _worst([word for word, _rest in said])[:RESULT_LENGTH] for method, said in found.items()}
    if not passed and words["dmarc"] == "pass":
        # It passed for another domain than the one in From.
        words["dmarc"] = "fail"
    # One good signature is enough (RFC 6376, 6.1), so for DKIM the best word counts.
    if any(word == "pass" for word, _rest in found["dkim"]):
        words["dkim"] = "pass"
    return Proof("dmarc" if proved else "none", **words)


def results(header: Headers, authserv_id: str) -> list[Result]:
    """The ``Authentication-Results`` of a mail from the top down, each with whether it is believed.

    Ours are those at the top: the first that carries another name ends them, and so does a ``Received`` below them,
    since our server writes all of its fields in one place.
    """
    ours, begun, read = True, False, []
    for name, value in header.fields:
        if name == "received" and begun:
            ours = False
        if name != "authentication-results":
            continue
        pieces = list(_pieces(_without_comments(value)))
        said_by = (pieces[0].split() or [""])[0].strip('"').lower() if pieces else ""
        is_own = bool(authserv_id) and said_by == authserv_id.lower()
        ours = ours and is_own
        begun = begun or is_own
        methods = []
        for piece in pieces[1:]:
            match = _RESULT.match(piece)
            if match is not None:
                methods.append((match[1].lower(), match[2].lower(), match[3]))
        read.append(Result(said_by, ours, tuple(methods)))
    return read


def is_plain(header: Headers, sender: str) -> bool:
    """Whether From names this one address in a form that every reader reads alike."""
    fields = header.all("from")
    match = _PLAIN_FROM.fullmatch(fields[0].strip()) if len(fields) == 1 and len(fields[0]) <= 2000 else None
    return match is not None and (match["bare"] or match["angled"]).lower() == sender.lower()


def names_nobody(header: Headers) -> bool:
    """Whether From gives no address at all: what stands in Sender or Reply-To never takes its place."""
    return not any(addresses(value[:2000]) for value in header.all("from"))


def is_read_in_two_ways(header: Headers, sender: str) -> bool:
    """Whether the parser of the standard library finds somebody else in From than we do.

    Such an address would be checked as one and mailed to as another.
    """
    others = set()
    for value in header.all("from"):
        try:
            parsed = email.policy.default.header_factory("from", value[:2000])
            others |= {address.addr_spec.lower() for group in parsed.groups for address in group.addresses
                       if address.domain}  # fmt: skip
        except (ValueError, TypeError, AttributeError, IndexError, KeyError, HeaderParseError, RecursionError):
            continue
    return bool(others) and _domain(sender) not in {_domain(other) for other in others}


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower().rstrip(".")


def _worst(words: list[str]) -> str:
    return next((word for word in words if word != "pass"), words[0] if words else "")


def _pieces(value: str) -> Iterator[str]:
    """Cut at semicolons outside quotes."""
    piece, quoted, escaped = "", False, False
    for char in value:
        if char == ";" and not quoted:
            yield piece
            piece = ""
            continue
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = char == "\\" and not escaped
        piece += char
    yield piece


def _without_comments(value: str) -> str:
    """Without what stands in round brackets (RFC 5322, 3.2.2), which may nest and may hold anything."""
    out, depth, quoted, escaped = [], 0, False, False
    for char in value[:20_000]:
        if escaped:
            escaped = False
            if depth == 0:
                out.append(char)
            continue
        if char == "\\" and (depth or quoted):
            escaped = True
            if depth == 0:
                out.append(char)
            continue
        if char == '"' and depth == 0:
            quoted = not quoted
        if char == "(" and not quoted:
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            out.append(" ")
        elif depth == 0:
            out.append(char)
    return "".join(out)
