"""What kinds of articles there are, and the headings that one of a kind begins with."""

from core.i18n import _

HOW_TO, EXPLANATION, REFERENCE, TROUBLESHOOTING = "how-to", "explanation", "field-reference", "troubleshooting"


def kinds() -> list[tuple[str, str]]:
    """(code, name) of each kind, in the reader's language."""
    return [
        (HOW_TO, _("How-to")),
        (EXPLANATION, _("Explanation")),
        (REFERENCE, _("Field reference")),
        (TROUBLESHOOTING, _("Troubleshooting")),
    ]


def beginning(kind: str) -> str:
    """The text that an article of a kind begins with, in the reader's language; "" for an unknown kind."""
    parts = {
        HOW_TO: [
            _("Who this is for, and what they have at the end."),
            f"## {_('What you need')}\n\n- ",
            f"## {_('Steps')}\n\n1. \n2. \n3. ",
            f"## {_('Check the result')}",
            f"## {_('If it does not work')}",
        ],
        EXPLANATION: [
            _("The answer in two sentences."),
            f"## {_('Why it is so')}",
            f"## {_('An example')}\n\n```json\n{{\n}}\n```",
            f"## {_('What follows for you')}",
        ],
        REFERENCE: [
            _("What the field says, in one sentence."),
            f"| | |\n| --- | --- |\n| {_('Path')} | `tender/…` |\n| {_('Type')} | |\n| {_('Codelist')} | |",
            f"## {_('How to fill it in')}",
            f"## {_('An example')}\n\n```json\n{{\n}}\n```",
            f"## {_('Common mistakes')}\n\n- ",
        ],
        TROUBLESHOOTING: [
            _("What people see, in their words or those of the message."),
            f"## {_('The cause')}",
            f"## {_('The remedy')}\n\n1. ",
            f"## {_('How to avoid it')}",
        ],
    }.get(kind, [])
    return "\n\n".join(parts) + "\n" if parts else ""
