"""The edge: what is true of every request and every answer.

Same origin and a CSRF token on every write; a named permission on every route; one commit, here, when the answer is a
success; security headers on everything; errors as calm pages (or problem documents for the API).
"""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    g,
    has_request_context,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import CombinedMultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from core import policy
from core.db import db, may_write
from core.exceptions import NotNow, Refused, TooLarge, TooMany
from core.i18n import OWN_NAMES, RIGHT_TO_LEFT, _, language
from core.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
API_PREFIX = "/api/"
THEMES = ("auto", "light", "dark")
STATIC = frozenset({"static", "versioned"})

csrf = CSRFProtect()

FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
PAGE_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types helpdesk"
)
# What a file may do that a person sent: nothing at all.
FILE_POLICY = "default-src 'none'; sandbox"


def init_app(app: Flask, settings: Settings, secret_key: str) -> None:
    """Put the edge around the application."""
    https = settings.site.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_NAME="__Host-session" if https else "session",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=settings.security.session_hours * 3600,
        MAX_CONTENT_LENGTH=(settings.files.max_megabytes * settings.files.max_count + 2) * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=200,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # `_same_origin` is the stricter check, and does not need a Referer.
        WTF_CSRF_CHECK_DEFAULT=False,  # Called below, so that the order of checks is ours.
        BASE_URL=settings.site.base_url.rstrip("/"),
        HSTS=settings.security.hsts,
    )
    if settings.security.proxies:
        count = settings.security.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]
    csrf.init_app(app)
    app.add_url_rule("/static/~<version>/<path:filename>", endpoint="versioned", view_func=_versioned)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)
    app.register_error_handler(Exception, _answer_error)
    app.jinja_env.globals.update(csp_nonce=csp_nonce, asset=asset, can=template_can, page_url=page_url)
    app.jinja_env.filters["html"] = stored_html
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_page_words)


def person() -> Any:  # Core does not know what a person is.
    """Who asks: the real user, or None for a stranger. Verbs get this, never the proxy."""
    user = current_user._get_current_object()  # The documented way to see behind the proxy.
    return user if user.is_authenticated else None


def template_can(name: str, thing: Any = None) -> bool:
    """`policy.can` for the person who reads the page."""
    return policy.can(person(), name, thing)


def _page_words() -> dict[str, Any]:
    """What every page needs to know of its reader: language, direction of writing, colours."""
    code = language()
    theme = request.cookies.get("theme", "auto") if has_request_context() else "auto"
    return {
        "locale": code,
        "languages": [(other, OWN_NAMES.get(other, other)) for other in current_app.config["LANGUAGES"]],
        "text_direction": "rtl" if code in RIGHT_TO_LEFT else "ltr",
        "theme": theme if theme in THEMES else "auto",
        "settings": {"site_name": current_app.extensions["settings"].site.name},
    }


def stored_html(html: str) -> Markup:
    """HTML that our own sanitiser stored; wide code can be scrolled by keyboard."""
    return Markup(html.replace("<pre>", '<pre tabindex="0">'))  # noqa: S704 # Only columns named *_html come here.


def csp_nonce() -> str:
    """The nonce of this answer; 128 random bits."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return cast("str", g.nonce)


def asset(path: str) -> str:
    """The address of a static file, with a version in its path, so that it and its imports can be cached for ever."""
    # Put together by hand: every page has a dozen of them, and paths of ours need no quoting.
    if (folder := g.get("asset_folder")) is None:
        folder = g.asset_folder = f"{request.script_root}/static/~{current_app.config['ASSET_VERSION']}/"
    return f"{folder}{path}"


def _versioned(version: str, filename: str) -> Response:
    """A static file under its versioned path; an old version gets the newest file, and is not kept."""
    response = current_app.send_static_file(filename)
    if version == current_app.config["ASSET_VERSION"]:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def external(endpoint: str, **values: Any) -> str:  # As url_for.
    """An absolute address, built from the configured base URL alone, never from what a request says of itself."""
    base = urlsplit(current_app.config["BASE_URL"])
    adapter = current_app.url_map.bind(base.netloc, script_name=base.path or "/", url_scheme=base.scheme)
    anchor = values.pop("_anchor", "")
    address = adapter.build(endpoint, values, force_external=True)
    return f"{address}#{anchor}" if anchor else address


def page_url(**changes: Any) -> str:  # As url_for.
    """The address of this page with other query parameters; an empty value drops one."""
    values = {**request.args.to_dict(flat=False), **(request.view_args or {}), **changes}
    kept = {key: value for key, value in values.items() if value not in ("", None, [])}
    return url_for(cast("str", request.endpoint), **kept)


def see_other(address: str) -> ResponseReturnValue:
    """Send the browser on after a form; an upload with progress is told where, and goes there itself."""
    if request.headers.get("X-Upload"):
        return "", 204, {"X-Location": address}
    return redirect(address, 303)


def safe_next(target: str, fallback: str) -> str:
    r"""Where to go next, if it is a path on this site; else the fallback.

    Browsers read ``\`` as ``/`` and skip tabs and line feeds, so an address with any of them is refused.
    """
    if (
        target.startswith("/")
        and not target.startswith("//")
        and not any(ord(char) < 33 or char == "\\" for char in target)
    ):
        parts = urlsplit(target)
        if not parts.scheme and not parts.netloc:
            return target
    return fallback


def wants_json() -> bool:
    """Whether the answer is for a program: the API, or a script of our own pages."""
    return request.path.startswith(API_PREFIX) or request.accept_mimetypes.best == "application/json"


def _begin() -> ResponseReturnValue | None:
    may_write.set(request.method not in SAFE_METHODS)
    _check_host()
    if request.method not in SAFE_METHODS:
        # Read the body before the first statement: a slow upload must not hold the write lock.
        request.form  # noqa: B018 # Reading is the effect.
        _same_origin()
        if not request.path.startswith(API_PREFIX) and not _is_signed_post():
            csrf.protect()
    _check_text()
    return _check_permission()


def signed_post(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view that mail programs post to (RFC 8058); its signed address stands for the token of a form."""
    view.is_signed_post = True  # type: ignore[attr-defined]
    return view


def _is_signed_post() -> bool:
    return bool(getattr(current_app.view_functions.get(request.endpoint or ""), "is_signed_post", False))


def _check_host() -> None:
    """Answer only under the name that links are built from, and under the loopback names."""
    configured = urlsplit(current_app.config["BASE_URL"])
    given = request.host.lower()
    host = given.partition("]")[0] + "]" if given.startswith("[") else given.partition(":")[0]
    if host not in {configured.hostname, "127.0.0.1", "localhost", "[::1]"}:
        abort(400, _("This site is not known under that name."))


def _check_text() -> None:
    """Refuse the character NUL: nobody types it, and PostgreSQL cannot keep it."""
    given = request.args if request.method in SAFE_METHODS else CombinedMultiDict([request.args, request.form])
    if "\x00" in request.path or any("\x00" in name or "\x00" in text for name, text in given.items(multi=True)):
        abort(400)


def _same_origin() -> None:
    """Refuse a write that another site started, by what the browser itself says."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site and site not in {"same-origin", "none"}:
        abort(403, _("This request came from another site."))
    origin = request.headers.get("Origin", "")
    if origin and origin != "null":
        host = urlsplit(origin).netloc
        if host not in {request.host, urlsplit(current_app.config["BASE_URL"]).netloc}:
            abort(403, _("This request came from another site."))
    elif origin == "null" and not request.path.startswith(API_PREFIX):
        abort(403, _("This request came from another site."))


def _check_permission() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in STATIC:
        return None
    view = current_app.view_functions[request.endpoint]
    name = getattr(view, "permission", "")
    if not name:
        raise RuntimeError(f"the route {request.endpoint} names no permission")
    rule = policy.get_rule(name)
    g.permission = rule
    if not rule.about_object and not rule.test(person()):
        return deny()
    return None


def deny() -> ResponseReturnValue:
    """Send a stranger to the sign-in page, and tell a person that this is not for them."""
    if person() is None and not wants_json() and request.method in SAFE_METHODS:
        flash(_("Please sign in to go on."), "info")
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    return abort(401 if person() is None and wants_json() else 403)


def _finish(response: Response) -> Response:
    rule = g.get("permission")
    if response.status_code < 400:
        # Which methods an address takes is answered without the view, and tells nothing of what stands there.
        is_answered = request.method != "OPTIONS"
        if (
            is_answered
            and rule is not None
            and rule.about_object
            and rule.name not in g.get("checked_permissions", ())
        ):
            db.session.rollback()
            raise RuntimeError(f"{request.endpoint} answered without asking for “{rule.name}”")
        db.session.commit()
    else:
        db.session.rollback()
    headers = response.headers
    # One look at what is there: asking for each would go through all of them each time.
    present = {name.lower() for name, _value in headers}
    for name, value in FIXED_HEADERS.items():
        if name.lower() not in present:
            headers.add(name, value)
    if "content-security-policy" not in present:
        headers.add("Content-Security-Policy", PAGE_POLICY.format(nonce=csp_nonce()))
    if current_app.config["HSTS"]:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint not in STATIC:
        if "cache-control" not in present:
            headers.add("Cache-Control", "no-store" if _is_private() else "no-cache")
        if "vary" in present:
            response.vary.update(("Cookie", "Accept-Language"))
        else:
            headers.add("Vary", "Cookie, Accept-Language")
        if response.mimetype == "text/html" and not request.path.startswith(API_PREFIX):
            headers["Content-Language"] = language()
    return response


def _is_private() -> bool:
    return person() is not None or bool(session) or request.path.startswith(API_PREFIX)


def _end(_error: BaseException | None) -> None:
    may_write.set(True)


def _answer_error(error: Exception) -> ResponseReturnValue:
    """Turn an exception into a page or a problem document; everything written is rolled back."""
    db.session.rollback()
    # What fails after the view, such as the commit, reaches us wrapped.
    original = getattr(error, "original_exception", None)
    if isinstance(original, Exception):
        error = original
    status, sentence, headers, extra = _describe(error)
    if status >= 500 and not isinstance(error, HTTPException):
        current_app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
        if current_app.config.get("PROPAGATE_ERRORS"):
            raise error
    title = str(HTTPStatus(status).phrase) if status in HTTPStatus._value2member_map_ else "Error"
    if wants_json():
        body = {"type": "about:blank", "title": title, "status": status, "detail": sentence} | extra
        response = current_app.json.response(body)
        response.mimetype = "application/problem+json"
    else:
        response = current_app.make_response(render_template("error.html", status=status, sentence=sentence))
    response.status_code = status
    response.headers.extend(headers)
    return response


def _describe(error: Exception) -> tuple[int, str, dict[str, str], dict[str, Any]]:
    """Status, sentence, headers and members of a problem document for an exception."""
    if isinstance(error, TooMany):
        return 429, str(error), {"Retry-After": str(error.retry_after)}, {}
    if isinstance(error, NotNow):
        return 409, str(error), {}, {}
    if isinstance(error, Refused):
        return 422, str(error), {}, {"errors": {error.field or "body": [str(error)]}}
    if isinstance(error, StaleDataError):
        return (
            409,
            _("Somebody else changed this at the same time. Load the page again; what you typed is kept."),
            {},
            {},
        )
    if isinstance(error, TooLarge):
        return 413, str(error), {}, {}
    if isinstance(error, OperationalError):
        return (
            503,
            _("The database is busy. Nothing was lost; please try again in a moment."),
            {"Retry-After": "5"},
            {},
        )
    if isinstance(error, CSRFError):
        return (
            400,
            _("This page was open for too long or in another sign-in. Go back, load it again and send it once more."),
            {},
            {},
        )
    if isinstance(error, HTTPException) and error.code is not None:
        headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After", "Location"}}
        return error.code, _sentence(error), headers, {}
    return 500, _("Something went wrong on our side. Nothing that you sent was half done. Please try again."), {}, {}


def _sentence(error: HTTPException) -> str:
    known = {
        400: _("We could not read this request."),
        401: _("Sign in, or send a valid token."),
        403: _("You may not do this."),
        404: _("There is nothing here, or it is not for you."),
        405: _("This address does not take that kind of request."),
        409: _("Somebody else was faster. Load the page again."),
        413: _("What you sent is too large. Each file may have %(megabytes)s MB.",
               megabytes=current_app.config.get("FILE_MEGABYTES", 25)),
        429: _("Too many requests. Please wait a little."),
    }  # fmt: skip
    own = type(error).description
    if error.description and error.description != own:
        return str(error.description)
    return known.get(error.code or 500, str(own or _("This did not work.")))
