"""What can go wrong, under one base. The edges turn these into pages, problem documents or exit codes."""


class HelpdeskError(Exception):
    """Base of all named exceptions; its text is a sentence that a person can act on."""


class BadSetting(HelpdeskError):
    """A setting is unknown or has a wrong type; the start stops."""


class NotNow(HelpdeskError):
    """The act is allowed but not in this state of things, or somebody else was first (409)."""


class Refused(HelpdeskError):
    """What came in cannot be accepted (422).

    :param field: the name of the input that is at fault, "" if it is none in particular.
    """

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


class TooMany(HelpdeskError):
    """Done too often (429).

    :param retry_after: seconds until it may be tried again.
    """

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class TooLarge(HelpdeskError):
    """A file or a body is over the limit that the sentence names (413)."""
