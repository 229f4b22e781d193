"""Measure speed and size and write bench/RESULTS.md: ``python -m bench`` (``--quick`` for a look)."""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import flask_migrate
from flask import Flask
from sqlalchemy import func, select

from accounts import people, sign_ins
from app import create_app
from bench import load, report, servers, work
from bench.http import Answer, Browser, Case, measure
from bench.load import ANALYST, PASSWORD, Sizes
from bench.report import Figure
from bench.texts import COMMON_WORD, RARE_WORD
from core.db import db
from core.settings import load as load_settings
from helpdesk.models import Ticket
from kb.models import Article

SUGGESTION = quote("How do we publish the amendments of a contract in OCDS")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A tenth of the data and few rounds; writes no results.")
    parser.add_argument("--once", action="store_true", help="Leave out the ten times larger database.")
    parser.add_argument("--url", default="", help="Measure this PostgreSQL database (an empty one) instead of SQLite.")
    asked = parser.parse_args()
    sizes = Sizes(2000, 100, 20, 50) if asked.quick else Sizes()
    rounds = 10 if asked.quick else 40
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        result = run(Path(folder), asked.url, sizes, rounds, is_long=not (asked.quick or asked.once))
    text = report.text(result)
    print(text)
    if not asked.quick:
        (Path(__file__).parent / "RESULTS.md").write_text(text, "utf-8")


def run(folder: Path, url: str, sizes: Sizes, rounds: int, *, is_long: bool) -> report.Result:
    """Load, serve, measure; again with ten times the tickets; then what is not a page."""
    environment = servers.environment(folder, url)
    os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})
    app = create_app(load_settings(environ=environment))
    result = report.Result(sizes, app.extensions["settings"].database_url.partition(":")[0].partition("+")[0])
    token = _prepare(app, sizes, result)
    with servers.served(servers.EMPTY, environment) as (empty_port, empty_start, empty_pid):
        result.start_seconds_empty = empty_start
        with servers.served(servers.OURS, environment) as (port, start, pid):
            result.start_seconds = start
            cases = _cases(port, empty_port, token, app)
            browser = Browser(port)
            browser.sign_in(ANALYST, PASSWORD)
            measure(cases, rounds, lambda: servers.worked([pid, empty_pid]))
            result.pages = [_figure(case, cases[0]) for case in cases]
            result.memory_mb, result.shared_mb = servers.memory(pid)
            result.statements = work.statements(app, _pages(sizes.tickets, _some_article(app)), browser.cookies)
        result.receive_ms = statistics.median(servers.receive_seconds(environment, 12)) * 1000
        result.mails_a_second, result.mails_wrong = work.throughput(app, 300)
        result.small_mails_a_second = work.two_workers(app, environment, 1000)
        if is_long:
            with app.app_context():
                more = load.load(Sizes(sizes.tickets * 9, 0, 0, 0))
                total = db.session.scalar(select(func.max(Ticket.id))) or 0
                db.session.remove()
            result.more_tickets, result.more_tickets_a_second = total, more.tickets_a_second
            with servers.served(servers.OURS, environment) as (port, _start, pid):
                large = _cases(port, empty_port, token, app)
                measure(large, rounds, lambda: servers.worked([pid, empty_pid]))
                result.larger_pages = [_figure(case, large[0]) for case in large]
    with app.app_context():
        db.engine.dispose()
    return result


def _prepare(app: Flask, sizes: Sizes, result: report.Result) -> str:
    """Make and fill the database; gives a token of the analyst."""
    with app.app_context():
        flask_migrate.upgrade()
        loaded = load.load(sizes)
        result.tickets_a_second, result.index_seconds = loaded.tickets_a_second, loaded.index_seconds
        analyst = people.find(ANALYST)
        assert analyst is not None
        token = sign_ins.make_token(analyst, ["tickets:read", "tickets:write", "search:read"])
        db.session.commit()
        db.session.remove()
    return token


def _some_article(app: Flask) -> str:
    """The address of an article of the usual length."""
    with app.app_context():
        language, slug = db.session.execute(
            select(Article.language, Article.slug)
            .where(Article.language == "en")
            .order_by(Article.id)
            .offset(10)
            .limit(1)
        ).one()
        db.session.remove()
    return f"/kb/{language}/{slug}"


def _pages(tickets: int, article: str) -> list[str]:
    return [
        "/", "/desk", "/desk?view=all&sort=newest", f"/desk?q={COMMON_WORD}", f"/desk/tickets/{tickets // 2}", "/desk/mail", "/desk/new",
        "/ask", "/kb/", article, "/answers/", f"/search?q={COMMON_WORD}", f"/search?q={RARE_WORD}", "/peers/", "/profile",
    ]  # fmt: skip


def _cases(port: int, empty_port: int, token: str, app: Flask) -> list[Case]:
    desk, stranger, api, empty = Browser(port), Browser(port), Browser(port, token), Browser(empty_port)
    desk.sign_in(ANALYST, PASSWORD)
    article = _some_article(app)
    tag = stranger.get(article).headers["ETag"]
    with app.app_context():
        numbers = db.session.scalars(
            select(Ticket.id).where(Ticket.state.not_in(("closed", "solved"))).order_by(Ticket.id)
        ).all()
        db.session.remove()
    random.Random(1).shuffle(numbers)
    moment = time.time_ns()

    def get(browser: Browser, path: str) -> Any:
        return lambda _number: browser.get(path)

    def ticket(number: int) -> Answer:
        return desk.get(f"/desk/tickets/{numbers[number % len(numbers)]}")

    def create(number: int) -> Answer:
        body = {
            "title": f"How do we publish the amendments of contract {number}?", "email": f"asker-{moment}-{number}@bench.example",
            "body": "Each amendment changes the value of the contract.\n\nShould each be a **release** of its own?", "name": "An asker",
        }  # fmt: skip
        return api.ask("POST", "/api/v1/tickets", json.dumps(body).encode(), "application/json")

    def reply(number: int) -> Answer:
        target = f"/desk/tickets/{numbers[number % len(numbers)]}"
        return desk.form(
            f"{target}/replies",
            target,
            {"body": "Yes: one release for each amendment. See the article.", "send": "open"},
        )

    def reply_by_api(number: int) -> Answer:
        target = f"/api/v1/tickets/{numbers[number % len(numbers)]}/messages"
        return api.ask("POST", target, b'{"body": "Yes, one release for each.", "then": "open"}', "application/json")

    return [
        Case("An empty Flask page", get(empty, "/"), expects="Empty"),
        Case("`/desk`", get(desk, "/desk"), expects="/desk/tickets/", target_ms=14),
        Case("A ticket on the desk", ticket, expects="message-", target_ms=11),
        Case("An article, for an analyst", get(desk, article), expects="<h2", target_ms=4),
        Case("An article, for a stranger", get(stranger, article), expects="<h2", target_ms=4),
        Case(
            "The same, which the browser has",
            lambda _number: stranger.ask("GET", article, tag=tag),
            status=304,
            target_ms=2,
        ),
        Case("`/kb/`", get(desk, "/kb/"), expects="/kb/en/", target_ms=6),
        Case("`/search`, a common word", get(desk, f"/search?q={COMMON_WORD}"), expects="<mark>", target_ms=40),
        Case("`/search`, a rare word", get(desk, f"/search?q={RARE_WORD}"), expects="<mark>", target_ms=40),
        Case("Suggestions", get(api, f"/api/v1/suggestions?text={SUGGESTION}"), expects="<mark>", target_ms=25),
        Case("A new ticket by API", create, status=201, expects="number", target_ms=8),
        Case("A reply on the desk", reply, status=303, target_ms=10),
        Case("A reply by API", reply_by_api, status=201, expects="by_staff", target_ms=10),
        Case("`/`", get(stranger, "/"), expects="<h1", target_ms=4),
    ]


def _figure(case: Case, empty: Case) -> Figure:
    return Figure(
        case.name, case.p50, case.p95, case.work_ms, case.p50 / empty.p50, case.work_ms / empty.work_ms, case.target_ms, case.failures, len(case.times),
    )  # fmt: skip


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    print(f"Measured at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC in {time.perf_counter() - began:.0f} s.")
