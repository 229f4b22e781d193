"""Every setting, with its default and one sentence; read once, from TOML and the environment, then frozen.

The same sentences make up ``config.example.toml`` (``python -m core.settings`` prints it; a test holds the two equal).
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from core import mailbox_settings
from core.exceptions import BadSetting
from core.mailbox_settings import Mailbox
from core.setting_values import checked, from_text, line_of, to_toml

# Names that operators know from elsewhere; each stands for one setting.
USUAL_NAMES = {
    "DATABASE_URL": ("database", "url"),
    "SECRET_KEY": ("security", "secret_key"),
    "DATA_DIR": ("files", "data_dir"),
    "LOG_LEVEL": ("log", "level"),
}


def setting(default: Any, sentence: str) -> Any:  # A dataclass field stands for any type.
    """Give a field its default and the sentence that documents it."""
    return field(default=default, metadata={"sentence": sentence})


@dataclass(frozen=True)
class Site:
    """What the site is called and where it lives."""

    name: str = setting("OCDS Helpdesk", "The name shown on every page and in every mail.")
    base_url: str = setting(
        "http://127.0.0.1:8000",
        "The only address that links in mails are built from, and the only host that is answered.",
    )
    languages: tuple[str, ...] = setting(("en", "es", "fr"), "Languages of the interface; the first is the fallback.")
    time_zone: str = setting("UTC", "Time zone (IANA name) for people who did not choose one.")
    first_answer: str = setting(
        "two working days", "How soon most questions are answered, in English, as told on the ask page."
    )


@dataclass(frozen=True)
class Database:
    """Where rows are kept."""

    url: str = setting("", "SQLAlchemy address of the database; empty means SQLite in the data directory.")
    pool_size: int = setting(5, "Connections kept open by each process (PostgreSQL only).")
    busy_seconds: int = setting(5, "How long a write waits for another writer before it gives up, in seconds.")


@dataclass(frozen=True)
class Security:
    """Keys, sessions and what stands in front of the application."""

    secret_key: str = setting(
        "", "Signs cookies and links; empty means a key made at first start in the data directory (mode 0600)."
    )
    session_hours: int = setting(12, "A sign-in ends after this many hours, whatever happens.")
    session_idle_minutes: int = setting(120, "A sign-in ends after this many minutes without a request.")
    link_minutes: int = setting(30, "A sign-in link works once, for this many minutes.")
    ticket_link_days: int = setting(30, "The signed link to a ticket in a mail works for this many days.")
    proxies: int = setting(0, "How many proxies in front set X-Forwarded-* headers that may be believed.")
    hsts: bool = setting(False, "Tell browsers to use HTTPS only; switch on once HTTPS works.")


@dataclass(frozen=True)
class Mail:
    """Mail out and mail in."""

    host: str = setting(
        "", "SMTP host; empty means that mails are written to outbox/ in the data directory as .eml files."
    )
    port: int = setting(587, "SMTP port.")
    tls: str = setting("starttls", "starttls (required, never falls back), tls (from the first byte) or none.")
    user: str = setting("", "SMTP user name; empty means no authentication.")
    password: str = setting("", "SMTP password.")
    timeout_seconds: int = setting(30, "Give up on a silent SMTP server after this many seconds.")
    sender: str = setting(
        "helpdesk@helpdesk.example", "The address that mails come from and that questions are sent to."
    )
    sender_name: str = setting("OCDS Helpdesk", "The name that mails come from.")
    aliases: tuple[str, ...] = setting((), "Other addresses of the helpdesk; mail from them is never answered.")
    reply_separator: str = setting("+", "Stands between the mailbox name and the signed part of a reply address.")
    per_address_hour: int = setting(30, "At most this many mails to one address in an hour; the rest wait.")
    per_hour: int = setting(2000, "At most this many mails in an hour in all; the rest wait. 0 means no limit.")
    signed_bounces: bool = setting(
        True, "Bounces come back to a signed address of each mail; false where the server takes one sender only."
    )
    undo_seconds: int = setting(20, "A reply from the desk waits so long before it leaves, to be undone; 0 for not.")
    automatic_per_address_hour: int = setting(10, "At most this many automatic answers to one address in an hour.")
    authserv_id: str = setting(
        "",
        "The name by which your mail server signs its Authentication-Results (RFC 8601); empty: no sender is proved.",
    )
    reopen_days: int = setting(
        30, "A reply to a ticket that was closed longer ago than this many days opens a new one, linked to it."
    )
    believe_spam_flag: bool = setting(
        True, "Mail that a spam filter marked with X-Spam-Flag or X-Spam-Status: Yes is kept in the log as spam."
    )
    parse_seconds: int = setting(20, "A mail that takes longer to parse is set aside in quarantine.")
    max_megabytes: int = setting(60, "A larger mail is stored and set aside in quarantine, unparsed.")
    min_free_megabytes: int = setting(
        200, "Mail in pauses, and stays on the server, when less is free (on a small disk: less than a twentieth)."
    )


@dataclass(frozen=True)
class Dkim:
    """Signing mails by DKIM (RFC 6376), where the mail server does not do it."""

    selector: str = setting("", "The name under which the public key stands in the DNS.")
    domain: str = setting("", "The domain that signs; empty means that of the sender.")
    key_file: str = setting("", "File with the private key in PEM form; empty means that mails are not signed here.")


@dataclass(frozen=True)
class Files:
    """Attachments."""

    data_dir: str = setting("var", "Directory of the database, the files, the index and the generated key.")
    max_megabytes: int = setting(25, "The largest file that may be attached, in megabytes.")
    max_count: int = setting(10, "The most files that may be attached to one message.")


@dataclass(frozen=True)
class Search:
    """The search of articles and past answers."""

    backend: str = setting("auto", "whoosh, postgresql, or auto: PostgreSQL where the database is, else Whoosh.")


@dataclass(frozen=True)
class Answers:
    """Past answers that are made from tickets."""

    second_person: str = setting(
        "auto",
        "Who did not write it reads it before it is published: always, never, or auto: where staff are two.",
    )
    consent_days: int = setting(60, "The link by which an asker agrees to a publication works for this many days.")


@dataclass(frozen=True)
class Kb:
    """The knowledge base."""

    sync_dir: str = setting("", "A Git repository that articles are kept the same with, both ways; empty for none.")
    sync_minutes: int = setting(10, "How often that is done, in minutes.")
    sync_remote: str = setting("", "A remote of it to fetch from before and to push to after; empty for none.")


@dataclass(frozen=True)
class Work:
    """The worker: jobs and clocks."""

    processes: int = setting(
        2, "Processes of one worker; only the first one sends mail, so that a slow mail server delays nothing else."
    )


@dataclass(frozen=True)
class Limits:
    """How often something may be done; counted in the database, so that several processes count together."""

    sign_in_per_account: int = setting(10, "Wrong passwords for one account in 15 minutes.")
    sign_in_per_address: int = setting(30, "Wrong passwords from one network address in 15 minutes.")
    links_per_person: int = setting(3, "Sign-in links and acknowledgements mailed to one address in an hour.")
    links_per_address: int = setting(20, "Sign-in links asked for from one network address in an hour.")
    ask_per_address: int = setting(30, "Questions sent from one network address in an hour.")
    api_per_minute: int = setting(
        300, "API requests of one token, or of one network address without a token, in a minute."
    )
    suggest_per_minute: int = setting(120, "Suggestions asked for from one network address in a minute.")
    profiles_per_hour: int = setting(30, "Champions' profiles that one person may open in an hour.")


@dataclass(frozen=True)
class Log:
    """What is written to standard error."""

    level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR.")


@dataclass(frozen=True)
class Settings:
    """All sections."""

    site: Site = field(default_factory=Site)
    database: Database = field(default_factory=Database)
    security: Security = field(default_factory=Security)
    mail: Mail = field(default_factory=Mail)
    dkim: Dkim = field(default_factory=Dkim)
    files: Files = field(default_factory=Files)
    search: Search = field(default_factory=Search)
    answers: Answers = field(default_factory=Answers)
    kb: Kb = field(default_factory=Kb)
    work: Work = field(default_factory=Work)
    limits: Limits = field(default_factory=Limits)
    log: Log = field(default_factory=Log)
    mailboxes: Mapping[str, Mailbox] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        """The data directory, absolute."""
        return Path(self.files.data_dir).resolve()

    @property
    def database_url(self) -> str:
        """The address of the database, with the driver that this application uses."""
        url = self.database.url or f"sqlite:///{self.data_dir / 'helpdesk.db'}"
        for prefix in ("postgresql://", "postgres://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        return url

    @property
    def on_postgresql(self) -> bool:
        """Whether rows live in PostgreSQL."""
        return self.database_url.startswith("postgresql")

    @property
    def reply_domain(self) -> str:
        """The domain of our own addresses and Message-IDs."""
        return self.mail.sender.rpartition("@")[2].lower()

    @property
    def own_addresses(self) -> frozenset[str]:
        """Our own addresses, in lower case: mail from them is never answered."""
        of_mailboxes = (address for box in self.mailboxes.values() for address in box.addresses)
        return frozenset(address.lower() for address in (self.mail.sender, *self.mail.aliases, *of_mailboxes))


SECTIONS: dict[str, type] = {
    "site": Site,
    "database": Database,
    "security": Security,
    "mail": Mail,
    "dkim": Dkim,
    "files": Files,
    "search": Search,
    "answers": Answers,
    "kb": Kb,
    "work": Work,
    "limits": Limits,
    "log": Log,
}


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings: defaults, then the TOML file, then the environment.

    :param path: the TOML file; by default the one named by ``HELPDESK_CONFIG``, else ``config.toml`` if it is there.
    :raises BadSetting: for an unknown section or key or a value of a wrong type; the sentence names file, line and
        key.
    """
    if path is None:
        named = environ.get("HELPDESK_CONFIG", "")
        path = Path(named or "config.toml")
        if not path.exists():
            if named:
                raise BadSetting(f"HELPDESK_CONFIG names {named}, which is not there")
            path = None
    values: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    boxes: dict[str, dict[str, Any]] = {}
    if path is not None:
        _read_file(path, values, boxes)
    _read_environment(environ, values, boxes)
    mailboxes = {name: Mailbox(**given) for name, given in boxes.items()}
    for name, mailbox in mailboxes.items():
        mailbox_settings.check(name, mailbox)
    return Settings(**{name: kind(**values[name]) for name, kind in SECTIONS.items()}, mailboxes=mailboxes)


def with_secret_key(settings: Settings) -> str:
    """The key that signs cookies and links: the configured one, else the one kept in the data directory.

    The first start makes 256 random bits and keeps them with mode 0600; two processes starting at once agree on one.
    """
    if settings.security.secret_key:
        return settings.security.secret_key
    path = settings.data_dir / "secret-key"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"secret-key.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            # A hard link fails if the name is taken, so whoever is second takes the key of the first.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def example() -> str:
    """The text of ``config.example.toml``: every setting with its default and its sentence."""
    lines = [
        "# Every setting of the OCDS Helpdesk with its default. Copy this to config.toml and change what you need.",
        "# Each key can also be set in the environment as HELPDESK_<SECTION>_<KEY>, for example HELPDESK_MAIL_HOST;",
        "# DATABASE_URL, SECRET_KEY, DATA_DIR and LOG_LEVEL work under their usual names; commas separate lists.",
    ]
    for name, kind in SECTIONS.items():
        lines += ["", f"# {kind.__doc__}", f"[{name}]"]
        for item in fields(kind):
            lines += [f"# {item.metadata['sentence']}", f"{item.name} = {to_toml(item.default)}"]
    lines += mailbox_settings.example(to_toml)
    return "\n".join(lines) + "\n"


def _read_file(path: Path, values: dict[str, dict[str, Any]], boxes: dict[str, dict[str, Any]]) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{path}: {error}") from error
    named = document.pop("mailbox", {})
    if not isinstance(named, dict) or not all(isinstance(content, dict) for content in named.values()):
        raise BadSetting(f"{path}, line {line_of(text, 'mailbox', '')}: a mailbox needs a name: [mailbox.NAME]")
    sections = list(document.items()) + [(f"mailbox.{name}", content) for name, content in named.items()]
    for section, content in sections:
        is_box = section.startswith("mailbox.")
        if not is_box and (section not in SECTIONS or not isinstance(content, dict)):
            raise BadSetting(f"{path}, line {line_of(text, section, '')}: unknown section or key “{section}”")
        known = {item.name: item for item in fields(Mailbox if is_box else SECTIONS[section])}
        into = boxes.setdefault(section.removeprefix("mailbox."), {}) if is_box else values[section]
        for key, value in content.items():
            where = f"{path}, line {line_of(text, section, key)}"
            if key not in known:
                raise BadSetting(f"{where}: unknown key “{key}” in [{section}]")
            into[key] = checked(value, known[key], where)


def _read_environment(
    environ: Mapping[str, str], values: dict[str, dict[str, Any]], boxes: dict[str, dict[str, Any]]
) -> None:
    names = {
        f"HELPDESK_{section}_{item.name}".upper(): (section, item.name)
        for section, kind in SECTIONS.items()
        for item in fields(kind)
    }
    known = {item.name: item for item in fields(Mailbox)}
    for variable in sorted(environ):
        if found := mailbox_settings.of_variable(variable, boxes):
            where = f"the environment variable {variable}"
            boxes.setdefault(found[0], {})[found[1]] = from_text(environ[variable], known[found[1]], where)
        elif variable.startswith("HELPDESK_") and variable not in names and variable != "HELPDESK_CONFIG":
            raise BadSetting(f"the environment variable {variable} is not a setting")
    for variable, (section, key) in (names | USUAL_NAMES).items():
        if variable in environ:
            item = next(item for item in fields(SECTIONS[section]) if item.name == key)
            values[section][key] = from_text(environ[variable], item, f"the environment variable {variable}")


if __name__ == "__main__":
    print(example(), end="")  # noqa: T201 # This is the command that writes config.example.toml.
