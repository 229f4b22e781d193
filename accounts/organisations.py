"""What can be done with organisations."""

from urllib.parse import urlsplit

from sqlalchemy import select

from accounts.models import ORGANISATION_KINDS, Organisation, User
from core.db import db
from core.events import record
from core.exceptions import Refused
from core.i18n import _, lazy

KINDS = {
    "government": lazy("Government"),
    "civil-society": lazy("Civil society"),
    "company": lazy("Company"),
    "academic": lazy("Research or teaching"),
    "international": lazy("International organisation"),
    "other": lazy("Other"),
}


def add(*, name: str, country: str, kind: str, website: str, by: User) -> Organisation:
    """Add an organisation.

    :raises Refused: if there is one of that name in that country, or the website is no address of one.
    """
    organisation = Organisation(
        name=_free_name(name, country, None), country=country, kind=_kind(kind), website=_site(website)
    )
    db.session.add(organisation)
    record("organisation.added", organisation, by=by)
    return organisation


def change(organisation: Organisation, *, name: str, country: str, kind: str, website: str, by: User) -> None:
    """Change an organisation, for everybody who belongs to it.

    :raises Refused: as for `add`.
    """
    organisation.name = _free_name(name, country, organisation)
    organisation.country = country
    organisation.kind = _kind(kind)
    organisation.website = _site(website)
    record("organisation.changed", organisation, by=by)


def _free_name(name: str, country: str, own: Organisation | None) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refused(_("An organisation needs a name."), "name")
    with db.session.no_autoflush:
        other = db.session.scalar(
            select(Organisation).where(Organisation.name == name, Organisation.country == country)
        )
    if other is not None and other is not own:
        raise Refused(_("There is an organisation of this name in this country already."), "name")
    return name


def _kind(code: str) -> str:
    if code not in ORGANISATION_KINDS:
        raise Refused(_("There is no such kind of organisation."), "kind")
    return code


def _site(address: str) -> str:
    """A web address, with https:// where it was left out; "" for none."""
    address = address.strip()
    if not address:
        return ""
    if "://" not in address:
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or "." not in host or parts.scheme not in {"http", "https"} or any(char.isspace() for char in address):
        raise Refused(_("This is not the address of a website. It should look like https://example.org."), "website")
    return address
