"""Who may see profiles, and propose, accept and keep connections."""

from accounts.models import User
from accounts.policy import staff
from core.policy import anyone, role_rule, rule
from peers import grants
from peers.models import Connection, Profile


def sees_profile(person: User | None, profile: Profile) -> bool:
    """As the champion chose; oneself always."""
    if person is not None and person.id == profile.user_id:
        return True
    if profile.user.is_disabled or not profile.user.is_champion or profile.visibility == "hidden":
        return False
    if profile.visibility == "public":
        return True
    if profile.visibility == "peers":
        return person is not None and (person.is_champion or person.is_staff)
    return staff(person)


def side(person: User | None, connection: Connection) -> str:
    """Which side a person is: seeker, helper, or "" for neither; a signed link opened here stands for its person."""
    who = person if person is not None else grants.holder(connection)
    if who is None:
        return ""
    return {connection.seeker_id: "seeker", connection.helper_id: "helper"}.get(who.id, "")


def sees(person: User | None, connection: Connection) -> bool:
    """Both sides, the proposer and staff."""
    return (
        staff(person)
        or bool(side(person, connection))
        or (person is not None and person.id == connection.proposed_by_id)
    )


def knows(person: User | None, connection: Connection, user: User) -> bool:
    """Whether a reader of a connection may know the name of one of its two sides.

    Before the introduction a side knows only itself; whoever proposed it chose both, and staff see both.
    """
    who = person if person is not None else grants.holder(connection)
    if who is None:
        return False
    return connection.introduced_at is not None or who.is_staff or who.id in (user.id, connection.proposed_by_id)


role_rule("peers.browse", anyone, "See the directory and the map, as far as champions chose to show themselves.")
role_rule(
    "profile.keep", lambda person: person is not None and person.is_champion, "Keep a champion's profile of one's own."
)
role_rule("connection.propose", lambda person: person is not None and (person.is_champion or person.is_staff),
          "Propose a connection.")  # fmt: skip
role_rule("connection.list", lambda person: person is not None and (person.is_champion or person.is_staff),
          "List the connections that one may see.")  # fmt: skip
rule("profile.see", sees_profile, "See a champion's profile.")
rule("connection.see", sees, "See a connection.")
rule("connection.answer", lambda person, connection: bool(side(person, connection)), "Accept or decline a connection.")
rule("connection.keep", lambda person, connection: staff(person) or bool(side(person, connection)),
     "Log exchanges and the outcome of a connection.")  # fmt: skip
