"""The forms of signing in, of one's profile, and of staff about people and organisations."""

from typing import Any

from flask import current_app
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    widgets,
)
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from accounts import people, scopes
from accounts.models import Organisation, User, find
from accounts.organisations import KINDS
from accounts.roles import REQUESTER, ROLES
from core.exceptions import Refused
from core.i18n import OWN_NAMES, _, country_choices, language_choices, language_name, time_zones
from core.i18n import lazy as _l

# Languages that most people who write to us speak; any other can be added one by one.
USUAL_LANGUAGES = ("ar", "en", "es", "fr", "pt", "ru", "sw", "uk")
TOKEN_DAYS = (30, 90, 365)


def one_line(text: str | None) -> str:
    """Text without control characters, and with single spaces."""
    return " ".join("".join(char if char.isprintable() else " " for char in text or "").split())


class Checkboxes(SelectMultipleField):  # type: ignore[misc] # WTForms has no types.
    """Several answers to one question."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class LinkForm(FlaskForm):  # type: ignore[misc]
    """Where a sign-in link is to be mailed to."""

    email = EmailField(_l("E-mail"), [Length(max=254)], filters=[one_line])
    next = HiddenField()

    def validate_email(self, field: Any) -> None:
        """An address, in the form that we keep."""
        if not field.data:
            raise ValidationError(_("Write your e-mail address."))
        try:
            field.data = people.clean_address(field.data)
        except Refused as error:
            raise ValidationError(str(error)) from None


class SignInForm(LinkForm):
    """E-mail and password."""

    password = PasswordField(_l("Password"), [Length(max=people.LONGEST_PASSWORD)])

    def validate_password(self, field: Any) -> None:
        """Some password, whatever it is."""
        if not field.data:
            raise ValidationError(_("Write your password, or have a link mailed to you."))


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password; the old one too, unless the person has just proved otherwise who they are."""

    current = PasswordField(_l("Your password now"), [InputRequired(_l("Write your password as it is now."))])
    password = PasswordField(_l("New password"), [InputRequired(_l("Write the new password."))])

    def __init__(self, *args: Any, needs_current: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not needs_current:
            del self.current


class DetailsForm(FlaskForm):  # type: ignore[misc]
    """What is known of a person, filled in by themselves or by staff."""

    name = StringField(_l("Name"), [DataRequired(_l("Write a name.")), Length(max=200)], filters=[one_line])
    organisation = StringField(_l("Organisation"), [Length(max=200)], filters=[one_line])
    country = SelectField(_l("Country"), default="")
    languages = Checkboxes(_l("Languages that you speak"))
    other_language = SelectField(_l("Another language"), default="")
    language = SelectField(_l("Language of pages and mails"), default="")
    time_zone = SelectField(_l("Time zone"), default="")
    version = HiddenField()

    def __init__(self, *args: Any, of: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [("", _("Choose a country")), *country_choices()]
        spoken = set(USUAL_LANGUAGES) | set(of.languages if of else ())
        named = sorted((language_name(code), code) for code in spoken)
        self.languages.choices = [(code, name) for name, code in named]
        others = [(code, name) for code, name in language_choices() if code not in spoken]
        self.other_language.choices = [("", _("None")), *others]
        offered = current_app.config["LANGUAGES"]
        self.language.choices = [
            ("", _("As the browser says")),
            *((code, OWN_NAMES.get(code, code)) for code in offered),
        ]
        self.time_zone.choices = [("", _("The site’s: %(name)s", name=current_app.config["BABEL_DEFAULT_TIMEZONE"]))]
        self.time_zone.choices += [(name, name.replace("_", " ")) for name in time_zones()]
        if of is not None and not self.is_submitted():
            self.fill(of)

    def fill(self, user: User) -> None:
        """Show what is known."""
        self.name.data, self.country.data, self.language.data = user.name, user.country, user.language
        self.organisation.data = user.organisation.name if user.organisation else ""
        self.languages.data, self.time_zone.data = list(user.languages), user.time_zone
        self.version.data = str(user.version)

    def details(self) -> dict[str, Any]:
        """What `people.change` takes. Adds the organisation if it is new."""
        spoken = [*(self.languages.data or []), *([self.other_language.data] if self.other_language.data else [])]
        country = self.country.data or ""
        return {
            "name": self.name.data, "organisation": people.organisation_named(self.organisation.data or "", country),
            "country": country, "languages": sorted(set(spoken)), "language": self.language.data or "",
            "time_zone": self.time_zone.data or "",
        }  # fmt: skip


class EditPersonForm(DetailsForm):
    """Somebody known. Only admins change addresses: whoever has the address can sign in."""

    email = EmailField(_l("E-mail"), [Length(max=254)], filters=[one_line])

    def __init__(self, *args: Any, of: User, changes_address: bool, **kwargs: Any) -> None:
        super().__init__(*args, of=of, **kwargs)
        if not changes_address:
            del self.email
        elif not self.is_submitted():
            self.email.data = of.email


class AddPersonForm(DetailsForm):
    """Somebody new. Only those who may give roles are asked for them."""

    email = EmailField(_l("E-mail"), [Length(max=254)], filters=[one_line])
    roles = Checkboxes(_l("Roles"))
    welcome = BooleanField(_l("Mail them a welcome with a sign-in link"), default=True)

    def __init__(self, *args: Any, gives_roles: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.languages.label.text = _("Languages that they speak")
        self.roles.choices = [(code, str(name)) for code, name in ROLES.items()]
        if not gives_roles:
            del self.roles
        elif not self.is_submitted():
            self.roles.data = [REQUESTER]

    def validate_email(self, field: Any) -> None:
        """An address that nobody here has."""
        try:
            field.data = people.clean_address(field.data or "")
        except Refused as error:
            raise ValidationError(str(error)) from None
        if find(field.data) is not None:
            raise ValidationError(_("Somebody with this address is here already."))


class RolesForm(FlaskForm):  # type: ignore[misc]
    """The roles of a person."""

    roles = Checkboxes(_l("Roles"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.roles.choices = [(code, str(name)) for code, name in ROLES.items()]


class TokenForm(FlaskForm):  # type: ignore[misc]
    """A new token."""

    name = StringField(_l("What is it for?"), [DataRequired(_l("Write what it is for, so that you know it again.")),
                                               Length(max=100)], filters=[one_line])  # fmt: skip
    scopes = Checkboxes(_l("What may it do?"), [DataRequired(_l("Choose at least one thing that the token may do."))])
    days = SelectField(_l("It ends after"), coerce=int, default=90)

    def __init__(self, *args: Any, of: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scopes.choices = [(code, f"{scopes.SCOPES[code]} ({code})") for code in scopes.for_person(of)]
        self.days.choices = [(days, _("%(days)s days", days=days)) for days in TOKEN_DAYS]


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    """An organisation."""

    name = StringField(_l("Name"), [DataRequired(_l("An organisation needs a name.")), Length(max=200)],
                       filters=[one_line])  # fmt: skip
    country = SelectField(_l("Country"), default="")
    kind = SelectField(_l("Kind"))
    website = StringField(_l("Website"), [Length(max=500)], filters=[one_line])
    version = HiddenField()

    def __init__(self, *args: Any, of: Organisation | None = None, **kwargs: Any) -> None:
        super().__init__(*args, obj=of, **kwargs)
        self.country.choices = [("", _("None in particular")), *country_choices()]
        self.kind.choices = [(code, str(name)) for code, name in KINDS.items()]


def show_refusal(form: FlaskForm, refused: Refused) -> None:
    """Put what a verb refused beside its field."""
    field = form._fields.get(refused.field)  # `in` and [] of a form do not know what was left out.
    if field is None:
        form.form_errors.append(str(refused))
    else:
        field.errors = [*field.errors, str(refused)]
