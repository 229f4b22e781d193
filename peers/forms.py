"""The forms of champions and connections."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from core.i18n import _
from core.i18n import lazy as _l
from kb.topics import TOPICS, topic_choices
from peers.profiles import MOST_CONNECTIONS
from peers.states import EXCHANGE_KINDS, LEVELS, OUTCOMES, VISIBILITIES

TEXT_LENGTH = 2000


class ProfileForm(FlaskForm):  # type: ignore[misc] # WTForms has no types.
    """What a champion says of themselves. Topics come as one field each: ``topic-<code>`` with a level or ""."""

    headline = StringField(_l("In one line, what you did"), [Length(max=200)])
    offers = TextAreaField(_l("What you can help others with"), [Length(max=TEXT_LENGTH)])
    seeks = TextAreaField(_l("What you would like to learn"), [Length(max=TEXT_LENGTH)])
    systems = StringField(_l("Systems and tools that you use"), [Length(max=600)])
    capacity = IntegerField(_l("How many connections you can hold at once"),
                            [InputRequired(), NumberRange(0, MOST_CONNECTIONS)])  # fmt: skip
    visibility = RadioField(_l("Who may see your profile"))
    paused_until = DateField(_l("No new introductions until"), [Optional()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visibility.choices = [(code, str(name)) for code, name in VISIBILITIES.items()]


class ProposeForm(FlaskForm):  # type: ignore[misc]
    """A proposal: who, on what, why. A champion proposes for themselves; staff name the other side too."""

    seeker = StringField(_l("Who would like help (e-mail)"), [Length(max=254)])
    topic = SelectField(_l("Topic"))
    reason = TextAreaField(_l("Why should they meet?"), [InputRequired(), Length(max=TEXT_LENGTH)])

    def __init__(self, *args: Any, for_oneself: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic.choices = topic_choices()
        if for_oneself:
            del self.seeker

    def validate_seeker(self, field: Any) -> None:
        """Staff say for whom they propose it."""
        if not (field.data or "").strip():
            raise ValidationError(_("Whom is it for?"))


class ExchangeForm(FlaskForm):  # type: ignore[misc]
    """Something that the two did together."""

    kind = SelectField(_l("What was it?"))
    at = DateField(_l("When"), [Optional()])
    note = TextAreaField(_l("What happened, in a line or two"), [InputRequired(), Length(max=TEXT_LENGTH)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [(code, str(name)) for code, name in EXCHANGE_KINDS.items()]


class OutcomeForm(FlaskForm):  # type: ignore[misc]
    """What came of it."""

    outcome = RadioField(_l("Did it help?"), [InputRequired()])
    # The page has another note, of an exchange.
    note = TextAreaField(_l("What changed?"), [Length(max=TEXT_LENGTH)], id="outcome-note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outcome.choices = [(code, str(name)) for code, name in OUTCOMES.items()]


def topics_of(form: Any) -> dict[str, str]:  # A MultiDict.
    """Topic -> level, from the fields of a profile form; unknown topics and levels are left out."""
    chosen = {code: form.get(f"topic-{code}", "") for code in TOPICS}
    return {code: level for code, level in chosen.items() if level in LEVELS}
