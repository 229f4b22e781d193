"""Unsafe settings are named, and the worst of them stop the start."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core import doctor
from core.exceptions import BadSetting
from core.settings import Limits, Mail, Security, Site
from tests.conftest import make_settings

ROOT = Path(__file__).parents[2]
GOOD_SITE = Site(base_url="https://helpdesk.open-contracting.org")
GOOD_MAIL = Mail(host="mail.open-contracting.org", sender="helpdesk@open-contracting.org")
GOOD_SECURITY = Security(secret_key="0123456789abcdefghijklmnopqrstuvwxyzABC", hsts=True, proxies=1)


def examined(app, **sections):
    good = {"site": GOOD_SITE, "mail": GOOD_MAIL, "security": GOOD_SECURITY, **sections}
    app.extensions["settings"] = replace(app.extensions["settings"], **good)
    return doctor.examine(app)


def test_a_well_set_up_site_has_nothing_bad(context):
    assert [finding.sentence for finding in examined(context) if finding.is_bad] == []


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"site": Site(base_url="http://helpdesk.open-contracting.org")}, "not https"),
        ({"site": Site(base_url="https://127.0.0.1")}, "this machine"),
        ({"site": Site(base_url="https://localhost:8000")}, "this machine"),
        ({"site": replace(GOOD_SITE, languages=("en", "xx"))}, "no catalogue"),
        ({"mail": replace(GOOD_MAIL, host="")}, "mail.host is empty"),
        ({"mail": replace(GOOD_MAIL, tls="none")}, "in the clear"),
        ({"mail": replace(GOOD_MAIL, tls="maybe")}, "must be starttls"),
        ({"mail": replace(GOOD_MAIL, sender="helpdesk@helpdesk.example")}, "example address"),
        ({"mail": replace(GOOD_MAIL, sender="helpdesk")}, "example address"),
        ({"mail": replace(GOOD_MAIL, user="x")}, "without mail.password"),
        ({"security": replace(GOOD_SECURITY, session_hours=48)}, "session_hours"),
        ({"security": replace(GOOD_SECURITY, link_minutes=600)}, "link_minutes"),
        ({"limits": Limits(sign_in_per_account=1000)}, "guessed"),
        ({"limits": Limits(sign_in_per_address=5000)}, "guessed"),
    ],
)
def test_each_unsafe_setting_is_named(context, sections, words):
    assert any(words in finding.sentence for finding in examined(context, **sections) if finding.is_bad)


def test_debug_mode_and_a_readable_key_are_named(context):
    context.debug = True
    assert any("debug" in finding.sentence for finding in examined(context))
    context.debug = False
    key = context.extensions["settings"].data_dir / "secret-key"
    key.write_text("x")
    key.chmod(0o644)
    found = examined(context, security=Security())
    assert any("0600" in finding.sentence for finding in found)


@pytest.mark.parametrize("key", ["secret", "changeme", "dev", "x" * 64, "short-key", "SUPERSECRET", "your-secret-key"])
def test_a_key_that_can_be_guessed_stops_the_start(tmp_path, key):
    with pytest.raises(BadSetting, match="guessed"):
        doctor.refuse_weak_key(make_settings(tmp_path, security=Security(secret_key=key)))


def run(tmp_path, *words, **environment):
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("HELPDESK_", "DATABASE_", "SECRET_"))
    }
    return subprocess.run(
        [Path(sys.executable).with_name("flask"), *words], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**clean, "DATA_DIR": str(tmp_path), **environment},
    )  # fmt: skip


def test_the_command_says_what_is_bad_and_fails(tmp_path):
    result = run(tmp_path, "check")
    assert result.returncode == 1
    assert "BAD" in result.stdout
    assert "flask db upgrade" in result.stdout


def test_the_command_refuses_to_start_with_a_known_key_or_a_wrong_setting(tmp_path):
    guessed = run(tmp_path, "check", SECRET_KEY="changeme")
    assert guessed.returncode != 0
    assert "guessed" in guessed.stderr
    wrong = run(tmp_path, "check", HELPDESK_MAIL_PROT="25")
    assert wrong.returncode != 0
    assert "HELPDESK_MAIL_PROT" in wrong.stderr
