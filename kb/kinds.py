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
    table = ["| " + _("Path") + " | `tender/…` |", "| " + _("Type") + " | |", "| " + _("Codelist") + " | |"]
    parts = {
        HOW_TO: [
            _("Who this is for, and what they have at the end."),
            _section(_("What you need"), "- "),
            _section(_("Steps"), "1. \n2. \n3. "),
            _section(_("Check the result")),
            _section(_("If it does not work")),
        ],
        EXPLANATION: [
            _("The answer in two sentences."),
            _section(_("Why it is so")),
            _section(_("An example"), "```json\n{\n}\n```"),
            _section(_("What follows for you")),
        ],
        REFERENCE: [
            _("What the field says, in one sentence."),
            "\n".join(["| | |", "| --- | --- |", *table]),
            _section(_("How to fill it in")),
            _section(_("An example"), "```json\n{\n}\n```"),
            _section(_("Common mistakes"), "- "),
        ],
        TROUBLESHOOTING: [
            _("What people see, in their words or those of the message."),
            _section(_("The cause")),
            _section(_("The remedy"), "1. "),
            _section(_("How to avoid it")),
        ],
    }.get(kind, [])
    return "\n\n".join(parts) + "\n" if parts else ""


def _section(title: str, text: str = "") -> str:
    return f"## {title}\n\n{text}" if text else f"## {title}"
