"""Permissions of what combines the parts."""

from flask import has_request_context, request

from accounts.models import User
from accounts.policy import admin
from core.policy import anyone, role_rule


def from_this_machine(person: User | None) -> bool:
    """Admins, and programs on the same machine: a monitor, or a proxy that keeps strangers out."""
    local = has_request_context() and request.remote_addr in {"127.0.0.1", "::1"}
    return admin(person) or (local and not request.headers.get("X-Forwarded-For"))


role_rule("search.use", anyone, "Search what one may see.")
role_rule("api.describe", anyone, "Read the description of the API.")
role_rule("metrics.see", from_this_machine, "Read the figures for monitoring.")
