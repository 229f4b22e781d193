import shutil

import pytest
from flask import Flask

from app import create_app
from core import policy, web
from tests.conftest import make_settings


@pytest.fixture
def app_of_its_own(tmp_path, sqlite_template) -> Flask:
    """An application that no other test shares, since a route that was added stays."""
    shutil.copy(sqlite_template, tmp_path / "helpdesk.db")
    return create_app(make_settings(tmp_path))


def test_a_route_without_a_permission_answers_nobody(app_of_its_own):
    app = app_of_its_own

    def view():
        return "secret"

    add_route(app, "/test-open", view)
    response = app.test_client().get("/test-open")
    assert response.status_code == 500
    assert "secret" not in response.text


def test_a_view_that_forgets_to_ask_about_its_object_answers_nobody(app_of_its_own):
    app = app_of_its_own

    @policy.permits("ticket.see")
    def view():
        return "secret"

    add_route(app, "/test-forgot", view)
    response = app.test_client().get("/test-forgot")
    assert response.status_code == 500
    assert "secret" not in response.text


def test_an_unknown_permission_is_an_error_not_a_yes():
    with pytest.raises(KeyError):
        policy.can(None, "no.such.permission")


def test_a_stranger_is_sent_to_the_sign_in_page_and_comes_back(app):
    response = app.test_client().get("/desk?state=open")
    assert response.status_code == 302
    assert response.location == "/sign-in?next=/desk?state%3Dopen"


def add_route(app: Flask, path: str, view) -> None:
    app._got_first_request = False
    app.config["PROPAGATE_ERRORS"] = False
    app.testing = False
    app.add_url_rule(path, view_func=view, endpoint=path)
    assert web.SAFE_METHODS
