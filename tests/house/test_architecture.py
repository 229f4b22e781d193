"""The rules of the house, as tests: what a reader may rely on without looking."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core import events, jobs
from core.db import db

ROOT = Path(__file__).parents[2]
PARTS = ("core", "accounts", "kb", "helpdesk", "peers", "portal")
CODE = sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Who may end a transaction: the edge, the worker and its queue, counts of tries that must outlive a refusal, commands.
MAY_COMMIT = {
    "core/web.py",
    "core/db.py",
    "core/batches.py",
    "core/jobs.py",
    "core/limits.py",
    "portal/demo/loading.py",
    "helpdesk/receive.py",
    "helpdesk/fetching.py",
    "helpdesk/listening.py",
    "helpdesk/mailbox_lease.py",
    "helpdesk/reconciling.py",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_only_the_edge_the_worker_and_commands_commit():
    commits = {
        name(path)
        for path in CODE
        if re.search(r"\b(session|connection)\.commit\(\)", path.read_text(encoding="utf-8")) and path.name != "cli.py"
    }
    slow_jobs = {name(path) for path in CODE if "slow=True" in path.read_text(encoding="utf-8")}
    assert commits - MAY_COMMIT - slow_jobs <= {"accounts/sign_ins.py"}


def test_no_file_is_over_400_lines():
    files = [*CODE, *TEMPLATES, *(ROOT / "static/js").glob("*.js"), *(ROOT / "static/css").glob("*.css")]
    long = {name(path): count for path in files if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}


def test_no_module_is_called_util_and_none_imports_relatively():
    assert [name(path) for path in CODE if path.stem in {"util", "utils", "helpers", "errors"}] == []
    relative = [
        name(path)
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_no_comment_promises_work():
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [name(path) for path in [*CODE, *TEMPLATES] if marks.search(path.read_text(encoding="utf-8"))] == []


def test_verbs_do_not_read_the_request():
    verbs = ("helpdesk/tickets.py", "kb/articles.py", "kb/answers.py", "peers/connections.py", "peers/profiles.py",
             "accounts/people.py")  # fmt: skip
    for path in verbs:
        assert "request" not in re.findall(r"from flask import (.*)", (ROOT / path).read_text()), path


def test_templates_have_no_inline_script_style_or_unsafe_html():
    # Pages of the published copy have no server that could give them a nonce: their scripts are files beside them.
    bad = re.compile(
        r"<script(?![^>]*nonce=|\ssrc=\"\{\{ top \}\}assets/)|\sstyle=|\son[a-z]+=\"|javascript:|\|\s*safe\b"
    )
    found = {name(path): bad.search(path.read_text(encoding="utf-8"))[0] for path in TEMPLATES
             if "email/" not in name(path) and bad.search(path.read_text(encoding="utf-8"))}  # fmt: skip
    assert found == {}


def test_scripts_put_html_into_pages_in_one_place_only():
    sinks = re.compile(r"\.(innerHTML|outerHTML)\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function")
    found = [
        name(path) for path in (ROOT / "static/js").glob("*.js") if sinks.search(path.read_text(encoding="utf-8"))
    ]
    assert found in ([], ["static/js/fragment.js"])


def test_every_template_compiles(context):
    for template in context.jinja_env.list_templates():
        context.jinja_env.get_template(template)


def test_migrations_are_linear_and_say_what_the_models_say(context):
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert len(script.get_heads()) == 1
    assert len(list(script.walk_revisions())) == len(list((ROOT / "migrations/versions").glob("[0-9]*.py")))
    options = context.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        comparison = MigrationContext.configure(
            connection, opts={"include_object": options["include_object"], "compare_type": True}
        )
        assert compare_metadata(comparison, db.metadata) == []


def test_every_event_is_documented_and_every_subscriber_listens_to_an_event_that_happens():
    documented = set(
        re.findall(r"^\| `([a-z_]+\.[a-z_]+)`", (ROOT / "docs/reference/events.md").read_text(), re.MULTILINE)
    )
    recorded = set()
    for path in CODE:
        recorded |= set(re.findall(r"record\(\s*\"([a-z_]+\.[a-z_]+)\"", path.read_text(encoding="utf-8")))
        recorded |= {found for pair in re.findall(
            r"record\(\s*\"([a-z_.]+)\" if [^,]*? else \"([a-z_.]+)\"", path.read_text(encoding="utf-8")) for found in pair}  # fmt: skip
    assert recorded - documented == set()
    assert set(events.subscribers()) - documented == set()


def test_every_job_that_is_owed_can_be_run(context):
    owed = set()
    for path in CODE:
        owed |= set(re.findall(r"enqueue\(\s*\"([a-z_.]+)\"", path.read_text(encoding="utf-8")))
    assert owed - set(jobs.kinds()) == set()


def test_imports_run_one_way():
    tool = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([tool], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "path", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "config.example.toml", "Procfile"]
)
def test_what_a_newcomer_looks_for_is_there(path):
    assert (ROOT / path).stat().st_size > 0


def test_no_page_takes_a_word_that_every_page_needs():
    from core import web

    needed = {"locale", "languages", "text_direction", "theme", "settings", "can", "asset", "csp_nonce", "page_url"}
    source = Path(web.__file__).read_text("utf-8")
    assert all(f'"{word}":' in source or f"{word}=" in source for word in needed)
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "render_template":
                if not str(getattr(node.args[0], "value", ".html")).endswith(".html"):
                    continue
                taken = needed & {keyword.arg for keyword in node.keywords}
                assert not taken, f"{name(path)}:{node.lineno} hands over {', '.join(sorted(taken))}"
    for path in TEMPLATES:
        taken = re.findall(rf"{{%-? ?(?:set|for) ({'|'.join(sorted(needed))})\b", path.read_text("utf-8"))
        assert not taken, f"{name(path)} sets {', '.join(taken)}"
