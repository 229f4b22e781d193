"""Who may do what with people, and the permissions that depend on a person's roles alone."""

from accounts.models import ApiToken, Organisation, SignIn, User
from core.policy import anyone, role_rule, rule


def signed_in(person: User | None) -> bool:
    """Anyone with a sign-in."""
    return person is not None


def staff(person: User | None) -> bool:
    """Analysts, managers and admins."""
    return person is not None and person.is_staff


def manager(person: User | None) -> bool:
    """Managers and admins."""
    return person is not None and person.is_manager


def admin(person: User | None) -> bool:
    """Admins."""
    return person is not None and person.is_admin


def may_edit_person(person: User | None, other: User) -> bool:
    """Oneself; staff edit people without a role on the desk, managers edit analysts, admins edit everyone."""
    if person is None:
        return False
    if person.id == other.id or person.is_admin:
        return True
    if other.is_manager:
        return False
    return person.is_manager or (person.is_staff and not other.is_staff)


def may_see_person(person: User | None, other: User) -> bool:
    """Oneself, and staff everyone."""
    return person is not None and (person.is_staff or person.id == other.id)


def may_shut_out(person: User | None, other: User) -> bool:
    """Whoever may edit a person, but nobody themselves."""
    return person is not None and person.id != other.id and may_edit_person(person, other)


def owns_sign_in(person: User | None, sign_in: SignIn) -> bool:
    """One's own."""
    return person is not None and sign_in.user_id == person.id


def staff_on_organisation(person: User | None, _organisation: Organisation) -> bool:
    """Staff."""
    return staff(person)


def owns_token(person: User | None, token: ApiToken) -> bool:
    """One's own; admins may revoke any."""
    return person is not None and (token.user_id == person.id or person.is_admin)


role_rule("site.see", anyone, "See the public pages.")
role_rule("site.sign_in", anyone, "Sign in and out, and choose language and theme.")
role_rule("profile.edit", signed_in, "See and change one's own profile, password and tokens.")
role_rule("people.list", staff, "List people and organisations.")
role_rule("people.add", staff, "Add people.")
role_rule("people.give_roles", admin, "Give and take roles.")
role_rule("site.run", admin, "See the state of jobs, mail and index, and run the site.")
role_rule("reports.see", manager, "See the reports.")
rule("person.see", may_see_person, "See a person's card.")
rule("person.edit", may_edit_person, "Change a person, and mail them a sign-in link.")
rule("person.disable", may_shut_out, "Shut a person out, and let them in again.")
rule("organisation.edit", staff_on_organisation, "Change an organisation.")
rule("sign_in.end", owns_sign_in, "End a sign-in.")
rule("token.revoke", owns_token, "Revoke a token.")
