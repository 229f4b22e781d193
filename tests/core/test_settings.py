import stat
import threading

import pytest

from core import settings
from core.exceptions import BadSetting
from tests.conftest import make_settings


def test_without_file_and_environment_it_runs_on_sqlite_in_var():
    loaded = settings.load(environ={})
    assert loaded.database_url.startswith("sqlite:///")
    assert loaded.database_url.endswith("/var/helpdesk.db")
    assert not loaded.on_postgresql


def test_the_example_file_says_what_the_code_says():
    with open("config.example.toml", encoding="utf-8") as file:
        assert file.read() == settings.example()


def test_the_example_file_can_be_used_as_it_is(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(settings.example())
    assert settings.load(path, environ={}) == settings.load(environ={})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[mail]\nport = 25\nhosst = 'x'\n", "line 3: unknown key “hosst” in [mail]"),
        ("[site]\nname = 'A'\n\n[mial]\nport = 1\n", "line 4: unknown section or key “mial”"),
        ("port = 1\n", "line 1: unknown section or key “port”"),
        ("[mail]\nport = 'x'\n", "line 2: “port” must be a whole number, not 'x'"),
        ("[mail]\nport = true\n", "line 2: “port” must be a whole number, not True"),
        ("[security]\nhsts = 1\n", "line 2: “hsts” must be true or false, not 1"),
        ("[mail]\naliases = 'a'\n", "line 2: “aliases” must be a list of texts, not 'a'"),
        ("[mail\n", "line 1"),
    ],
)
def test_a_wrong_key_stops_the_start_and_names_the_line(tmp_path, text, expected):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(BadSetting, match="config.toml") as caught:
        settings.load(path, environ={})
    assert expected in str(caught.value)


def test_the_environment_wins_over_the_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[mail]\nport = 25\n[database]\nurl = 'sqlite:///a'\n")
    loaded = settings.load(
        path,
        environ={
            "HELPDESK_MAIL_PORT": "2525", "DATABASE_URL": "postgres://u@h/d", "HELPDESK_MAIL_ALIASES": "a@x, b@x",
            "HELPDESK_SECURITY_HSTS": "true",
        },
    )  # fmt: skip
    assert loaded.mail.port == 2525
    assert loaded.database_url == "postgresql+psycopg://u@h/d"
    assert loaded.mail.aliases == ("a@x", "b@x")
    assert loaded.security.hsts is True


@pytest.mark.parametrize("name", ["HELPDESK_MAIL_HOSST", "HELPDESK_NOTHING"])
def test_an_unknown_environment_variable_of_ours_stops_the_start(name):
    with pytest.raises(BadSetting, match=name):
        settings.load(environ={name: "x"})


def test_a_named_file_that_is_not_there_stops_the_start():
    with pytest.raises(BadSetting, match=r"gone\.toml"):
        settings.load(environ={"HELPDESK_CONFIG": "/nowhere/gone.toml"})


def test_the_first_start_makes_a_key_that_only_the_owner_can_read(tmp_path):
    empty = settings.Settings(files=settings.Files(data_dir=str(tmp_path)))
    key = settings.with_secret_key(empty)
    assert len(key) >= 43
    assert settings.with_secret_key(empty) == key
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600


def test_two_first_starts_at_once_agree_on_one_key(tmp_path):
    empty = settings.Settings(files=settings.Files(data_dir=str(tmp_path)))
    keys: list[str] = []
    barrier = threading.Barrier(8)

    def start():
        barrier.wait()
        keys.append(settings.with_secret_key(empty))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_a_configured_key_is_used_and_none_is_written(tmp_path):
    assert settings.with_secret_key(make_settings(tmp_path)).startswith("only-for-tests")
    assert not (tmp_path / "secret-key").exists()
