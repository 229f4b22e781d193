"""What can be done with people: add, change, give roles, disable; passwords by argon2."""

import unicodedata
from collections.abc import Iterable
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts import sign_ins
from accounts.models import Organisation, Role, User, find
from accounts.roles import ADMIN, REQUESTER, ROLES
from core.db import db, now
from core.events import record
from core.exceptions import Refused
from core.i18n import _

MINIMUM_PASSWORD = 12
LONGEST_PASSWORD = 1000
LEAST_LETTERS = 5

# What a person may say of themselves.
DETAILS = ("name", "organisation", "country", "language", "languages", "time_zone")

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


def find_or_add(email: str, *, name: str = "", **fields: Any) -> User:
    """The person with an address; a new one, without an account, if nobody has it.

    What is known of a person is never overwritten by what a stranger writes under their address.
    """
    address = clean_address(email)
    user = find(address)
    if user is None:
        if db.engine.dialect.name == "sqlite":
            # It has one writer at a time, and that is us already.
            return _added(address, name=name, **fields)
        try:
            with db.session.begin_nested():
                return _added(address, name=name, **fields)
        except IntegrityError:
            # Somebody wrote from the same address at the same moment.
            user = db.session.execute(select(User).where(User.email == address)).unique().scalar_one()
    if not user.name and name and user.verified_at is None:
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
    return _added(
        address, name=name, country=country, language=language, languages=languages, time_zone=time_zone,
        organisation=organisation, roles=roles, by=by,
    )  # fmt: skip


def _added(address: str, *, name: str = "", country: str = "", language: str = "", languages: Iterable[str] = (),
           time_zone: str = "", organisation: Organisation | None = None, roles: Iterable[str] = (REQUESTER,),
           by: User | None = None) -> User:  # fmt: skip
    user = User(
        email=address, name=" ".join(name.split())[:200], country=country, language=language,
        languages=list(languages), time_zone=time_zone, organisation=organisation,
        verified_at=now() if by is not None else None,
    )  # fmt: skip
    db.session.add(user)
    _set_roles(user, roles)
    db.session.flush()
    record("person.added", user, by=by)
    return user


def change(user: User, *, by: User, **details: Any) -> None:
    """Change what is known of a person; what is not given, or is as it was, stays.

    :param details: any of `DETAILS`.
    """
    if unknown := set(details) - set(DETAILS):
        raise TypeError(f"a person has no {sorted(unknown)[0]}")
    changed = [name for name in DETAILS if name in details and getattr(user, name) != details[name]]
    for name in changed:
        setattr(user, name, details[name])
    if changed:
        record("person.changed", user, by=by, fields=changed)


def change_address(user: User, email: str, *, by: User) -> None:
    """Give a person another e-mail address; sign-ins and links made under the old one end.

    :raises Refused: if it is none, or somebody else has it.
    """
    address = clean_address(email)
    if address == user.email:
        return
    with db.session.no_autoflush:
        if find(address) is not None:
            raise Refused(_("Somebody with this address is here already."), "email")
    user.email = address
    sign_ins.end_everywhere(user)
    record("person.address_changed", user, by=by)


def confirm_address(user: User) -> None:
    """Note that the address is theirs: they came by a link that was mailed there."""
    if user.verified_at is None:
        user.verified_at = now()
        record("person.verified", user, by=user)


def invite(user: User, *, by: User) -> None:
    """Welcome a person by mail, with a sign-in link."""
    record("person.invited", user, by=by)


def give_roles(user: User, roles: Iterable[str], *, by: User | None) -> None:
    """Give a person exactly these roles. Rights change at once; sign-ins go on with the new ones.

    :raises Refused: if a role is unknown, or an admin would stop being one: so there is always one left.
    """
    wanted = set(roles)
    old = sorted(user.roles)
    if wanted == set(old):
        return
    if by is not None and by.id == user.id and ADMIN in old and ADMIN not in wanted:
        raise Refused(_("You cannot take the role of admin from yourself. Another admin can."), "roles")
    _set_roles(user, wanted)
    record("person.roles_changed", user, by=by, old=old, new=sorted(wanted))


def set_password(user: User, password: str, *, by: User) -> None:
    """Set a password; every sign-in and link made before ends.

    :raises Refused: if it is too short or too plain.
    """
    set_password_hash(user, new_password_hash(password, user.email), by=by)


def new_password_hash(password: str, email: str) -> str:
    """The hash of a new password. It takes a while: not to be called while a transaction is open.

    :raises Refused: if it is too short or too plain.
    """
    if len(password) < MINIMUM_PASSWORD:
        raise Refused(_("A password needs at least %(count)s characters.", count=MINIMUM_PASSWORD), "password")
    if len(password) > LONGEST_PASSWORD:
        raise Refused(_("A password may have 1,000 characters."), "password")
    if len(set(password)) < LEAST_LETTERS or password.lower() == email:
        raise Refused(_("This password is too easy to guess. A few words that do not belong together are good."),
                      "password")  # fmt: skip
    return hash_password(password)


def set_password_hash(user: User, hashed: str, *, by: User) -> None:
    """Set a password that was hashed before; every sign-in and link made before ends."""
    user.password_hash = hashed
    sign_ins.end_everywhere(user)
    record("person.password_changed", user, by=by)


def disable(user: User, *, by: User | None) -> None:
    """Shut a person out; what they wrote stays."""
    if user.is_disabled:
        return
    user.is_disabled = True
    sign_ins.end_everywhere(user)
    record("person.disabled", user, by=by)


def enable(user: User, *, by: User | None) -> None:
    """Let a person in again."""
    if not user.is_disabled:
        return
    user.is_disabled = False
    record("person.enabled", user, by=by)


def hash_password(password: str) -> str:
    """The argon2id hash of a password."""
    return _hasher.hash(_normal(password))


def is_password(stored: str, password: str) -> bool:
    """Whether a password fits a stored hash; takes as long when there is none."""
    try:
        _hasher.verify(stored or _NOBODY, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


def _normal(password: str) -> str:
    """The same letters for the same keys, whichever way a device composes its accents."""
    return unicodedata.normalize("NFKC", password)


def organisation_named(name: str, country: str) -> Organisation | None:
    """The organisation of a name and country; a new one if there is none; None for an empty name."""
    name = " ".join(name.split())[:200]
    if not name:
        return None
    wanted = select(Organisation).where(Organisation.name == name, Organisation.country == country)
    known = db.session.scalar(wanted)
    if known is None:
        try:
            with db.session.begin_nested():
                known = Organisation(name=name, country=country)
                db.session.add(known)
        except IntegrityError:
            known = db.session.execute(wanted).scalar_one()
    return known


def _set_roles(user: User, roles: Iterable[str]) -> None:
    wanted = set(roles)
    if unknown := wanted - set(ROLES):
        raise Refused(_("There is no role “%(role)s”.", role=sorted(unknown)[0]), "roles")
    user.role_rows = [row for row in user.role_rows if row.role in wanted] + [
        Role(role=role) for role in sorted(wanted - user.roles)
    ]
