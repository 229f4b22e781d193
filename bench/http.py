"""A small browser that keeps its connection, and rounds of timed requests."""

import http.client
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class Answer:
    """What a server said."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Browser:
    """One kept connection with its cookies; asks for pages without compression unless told."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port, self.token = port, token
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "", *, gzip: bool = True, tag: str = ""
    ) -> Answer:
        """One request; the time runs until the last byte of the answer.

        :param tag: of the page that the browser has already.
        """
        headers = {"User-Agent": "bench", "Accept-Language": "en"}
        if tag:
            headers["If-None-Match"] = tag
        if gzip:
            headers["Accept-Encoding"] = "gzip"
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if kind:
            headers["Content-Type"] = kind
        began = time.perf_counter()
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - began
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _equals, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(response.status, response.headers, content, seconds)

    def get(self, path: str, *, gzip: bool = True) -> Answer:
        """A page."""
        return self.ask("GET", path, gzip=gzip)

    def form(self, path: str, page: str, fields: dict[str, str]) -> Answer:
        """Load a page for its token (once), then send a form."""
        if not self.csrf:
            found = TOKEN.search(self.get(page, gzip=False).text)
            if found is None:
                raise RuntimeError(f"{page} has no form")
            self.csrf = found[1]
        body = urlencode({"csrf_token": self.csrf, **fields}).encode()
        return self.ask("POST", path, body, "application/x-www-form-urlencoded")

    def sign_in(self, email: str, password: str) -> None:
        """Sign in by the form."""
        answer = self.form("/sign-in", "/sign-in", {"email": email, "password": password})
        if answer.status not in {302, 303}:
            raise RuntimeError(f"signing in was answered with {answer.status}")
        self.csrf = ""


@dataclass
class Case:
    """Something to time again and again."""

    name: str
    run: Callable[[int], Answer]
    status: int = 200
    # What an answer must say, once it is unpacked; "" for anything.
    expects: str = ""
    target_ms: float | None = None
    times: list[float] = field(default_factory=list)
    # Processor time of the server, in seconds.
    work: float = 0.0
    failures: int = 0

    @property
    def p50(self) -> float:
        """Half of the answers took no longer, in ms."""
        return statistics.median(self.times) * 1000 if self.times else 0.0

    @property
    def work_ms(self) -> float:
        """What the server computed for one answer, on average, whatever else the machine did."""
        return self.work / len(self.times) * 1000 if self.times else 0.0

    @property
    def p95(self) -> float:
        """Nineteen of twenty answers took no longer, in ms."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)] * 1000 if ordered else 0.0


def measure(cases: list[Case], rounds: int, worked: Callable[[], float], each: int = 2) -> None:
    """Time the cases in turn, so that whatever else the machine does falls on all of them alike.

    :param worked: the processor time of the servers so far, in seconds.
    """
    number = 0
    for case in cases:
        # Twice as many as there are workers, so that each has done everything once.
        for _ in range(6):
            number += 1
            case.run(number)
    for _round in range(rounds):
        for case in cases:
            before = worked()
            answers = []
            for _ in range(each):
                number += 1
                answers.append(case.run(number))
            case.work += worked() - before
            for answer in answers:
                case.times.append(answer.seconds)
                if answer.status != case.status or (case.expects and case.expects not in _unpacked(answer)):
                    case.failures += 1


def _unpacked(answer: Answer) -> str:
    import gzip

    packed = answer.headers.get("Content-Encoding") == "gzip"
    return gzip.decompress(answer.body).decode("utf-8", "replace") if packed else answer.text
