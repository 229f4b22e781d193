"""Who may do what with tickets, notes, files and mail."""

from accounts.models import User
from accounts.policy import admin, staff
from core.policy import anyone, role_rule, rule
from helpdesk import grants
from helpdesk.models import Attachment, Message, Ticket


def takes_part(person: User | None, ticket: Ticket) -> bool:
    """Whoever takes part, by their sign-in or by a signed link that was opened in this browser."""
    if person is not None and any(part.user_id == person.id for part in ticket.participants):
        return True
    return grants.holder(ticket) is not None


def sees(person: User | None, ticket: Ticket) -> bool:
    """Staff and whoever takes part."""
    return staff(person) or takes_part(person, ticket)


def sees_message(person: User | None, message: Message) -> bool:
    """Notes are for staff alone."""
    return staff(person) or (not message.is_internal and takes_part(person, message.ticket))


def sees_attachment(person: User | None, attachment: Attachment) -> bool:
    """As the message that it came with."""
    return sees_message(person, attachment.message)


role_rule("ticket.ask", anyone, "Ask a question.")
role_rule("desk.see", staff, "See the desk.")
role_rule("ticket.open_for", staff, "Open a ticket for somebody else.")
role_rule("mail.see", staff, "See the mail log, and replay a mail.")
role_rule("mail.word", admin, "Change the wording of mails.")
role_rule("mail.hand_in", staff, "Hand in a raw mail by API, with a token for that.")
role_rule("ticket.list_own", lambda person: person is not None, "List one's own tickets.")
rule("ticket.see", sees, "See a ticket and its public messages.")
rule("ticket.reply", sees, "Write a public message in a ticket.")
rule("ticket.settle", sees, "Mark a ticket solved, or reopen it.")
rule(
    "ticket.triage",
    lambda person, _ticket: staff(person),
    "Assign, sort, tag and annotate a ticket, and see its notes.",
)
rule("ticket.publish", lambda person, _ticket: staff(person), "Make a past answer from a ticket.")
rule("attachment.see", sees_attachment, "Download a file that came with a message.")
