"""Demo data that a person would believe: read from the files beside this one, the same every time, dated from now."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import select

from accounts.models import User
from core.db import db
from portal.demo import loading

PASSWORD = "demo-helpdesk"  # noqa: S105 # Only for the demo data, and printed at its start.
SHOWN = ("bruno", "carla", "mona", "chidi", "amara", "dalia")


def is_newest() -> bool:
    """Whether the database has the newest schema, found without starting Alembic's whole environment."""
    script = ScriptDirectory(f"{current_app.root_path}/migrations")
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == script.get_current_head()


def is_loaded() -> bool:
    """Whether the demo data is in this database."""
    emails = [item["email"] for item in loading.read("people.yaml")["people"] if item["key"] == "bruno"]
    return db.session.scalar(select(User.id).where(User.email.in_(emails))) is not None


def load() -> None:
    """Load everything; does nothing if it is there already."""
    if not is_loaded():
        loading.load(PASSWORD)


def sign_ins() -> str:
    """The demo sign-ins, as a table for the terminal."""
    people = {item["key"]: item for item in loading.read("people.yaml")["people"]}
    lines = [f"Demo sign-ins (password: {PASSWORD})"]
    for key in SHOWN:
        if key in people:
            lines.append(f"  {people[key]['email']:<34} {', '.join(people[key]['roles'])}")
    requester = next((item for item in people.values() if item["roles"] == ["requester"]), None)
    if requester is not None:
        lines.append(f"  {requester['email']:<34} requester")
    return "\n".join(lines) + "\n"
