"""What can be done with people: add, change, give roles, disable; passwords by argon2."""

from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select

from accounts import sign_ins
from accounts.models import Organisation, Role, User, find
from accounts.roles import REQUESTER, ROLES
from core.db import db, now
from core.events import record
from core.exceptions import Refused
from core.i18n import _

MINIMUM_PASSWORD = 12

# The cheapest of the parameters that OWASP recommends: 19 MiB, two passes.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Verified when there is no such person or no password, so that the answer takes as long.
_NOBODY = _hasher.hash("nobody has this password")


def clean_address(email: str) -> str:
    """An address in the one form that we keep: validated, in lower case.

    :raises Refused: if it is none.
    """
    try:
        return validate_email(email.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        raise Refused(_("This is not an e-mail address. It should look like name@example.org."), "email") from None


def find_or_add(email: str, *, name: str = "", **fields: str) -> User:
    """The person with an address; a new one, without an account, if nobody has it.

    What is known of a person is never overwritten by what a stranger writes under their address.
    """
    address = clean_address(email)
    user = find(address)
    if user is None:
        user = add(email=address, name=name, **fields)
    elif not user.name and name and user.verified_at is None:
        user.name = name[:200]
    return user


def add(*, email: str, name: str = "", country: str = "", language: str = "", languages: Iterable[str] = (),
        time_zone: str = "", organisation: Organisation | None = None, roles: Iterable[str] = (REQUESTER,),
        by: User | None = None) -> User:  # fmt: skip
    """Add a person.

    :raises Refused: if the address is taken or is none, or a role is unknown.
    """
    address = clean_address(email)
    if find(address) is not None:
        raise Refused(_("Somebody with this address is here already."), "email")
    user = User(
        email=address, name=" ".join(name.split())[:200], country=country, language=language, languages=list(languages),
        time_zone=time_zone, organisation=organisation, verified_at=now() if by is not None else None,
    )  # fmt: skip
    db.session.add(user)
    _set_roles(user, roles)
    db.session.flush()
    record("person.added", user, by=by)
    return user


def give_roles(user: User, roles: Iterable[str], *, by: User | None) -> None:
    """Give a person exactly these roles. Rights change at once; sign-ins go on with the new ones."""
    wanted = set(roles)
    old = sorted(user.roles)
    if wanted == set(old):
        return
    _set_roles(user, wanted)
    record("person.roles_changed", user, by=by, old=old, new=sorted(wanted))


def set_password(user: User, password: str, *, by: User) -> None:
    """Set a password; every sign-in and link made before ends.

    :raises Refused: if it is too short.
    """
    if len(password) < MINIMUM_PASSWORD:
        raise Refused(_("A password needs at least %(count)s characters.", count=MINIMUM_PASSWORD), "password")
    if len(password) > 1000:
        raise Refused(_("A password may have 1,000 characters."), "password")
    user.password_hash = hash_password(password)
    sign_ins.end_everywhere(user)
    record("person.password_changed", user, by=by)


def disable(user: User, *, by: User) -> None:
    """Shut a person out; what they wrote stays."""
    user.is_disabled = True
    sign_ins.end_everywhere(user)
    record("person.disabled", user, by=by)


def enable(user: User, *, by: User) -> None:
    """Let a person in again."""
    user.is_disabled = False
    record("person.enabled", user, by=by)


def hash_password(password: str) -> str:
    """The argon2id hash of a password."""
    return _hasher.hash(password)


def is_password(stored: str, password: str) -> bool:
    """Whether a password fits a stored hash; takes as long when there is none."""
    try:
        _hasher.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


def organisation_named(name: str, country: str) -> Organisation | None:
    """The organisation of a name and country; a new one if there is none; None for an empty name."""
    name = " ".join(name.split())[:200]
    if not name:
        return None
    known = db.session.scalar(select(Organisation).where(Organisation.name == name, Organisation.country == country))
    if known is None:
        known = Organisation(name=name, country=country)
        db.session.add(known)
        db.session.flush()
    return known


def _set_roles(user: User, roles: Iterable[str]) -> None:
    wanted = set(roles)
    if unknown := wanted - set(ROLES):
        raise Refused(_("There is no role “%(role)s”.", role=sorted(unknown)[0]), "roles")
    user.role_rows = [row for row in user.role_rows if row.role in wanted] + [
        Role(role=role) for role in sorted(wanted - user.roles)
    ]
