"""Values of settings: as a TOML file and as the environment give them, and as TOML writes them."""

from dataclasses import Field
from typing import Any

from core.exceptions import BadSetting


def to_toml(value: Any) -> str:  # TOML holds several types.
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(to_toml(item) for item in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def line_of(text: str, section: str, key: str) -> int:
    """The line of a key (or of a section, for an empty key) in a TOML text, counted from 1; 1 if not found."""
    inside = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.strip("[] \t")
            if not key and inside == section:
                return number
        name = stripped.partition("=")[0].strip().strip("\"'")
        if (key and inside == section and name == key) or (not key and not inside and name == section):
            return number
    return 1


def checked(value: Any, item: Field[Any], where: str) -> Any:  # A setting has one of several types.
    """A value of a TOML file, if it has the type of its setting.

    :raises BadSetting: otherwise.
    """
    expected: type[Any] = type(item.default)
    if expected is tuple:
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return tuple(value)
    elif isinstance(value, expected) and not (expected is int and isinstance(value, bool)):
        return value
    raise BadSetting(f"{where}: “{item.name}” must be {_type_name(expected)}, not {value!r}")


def from_text(text: str, item: Field[Any], where: str) -> Any:  # A setting has one of several types.
    """A value from the environment.

    :raises BadSetting: where it is none of the type of its setting.
    """
    expected: type[Any] = type(item.default)
    if expected is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if expected is bool:
        if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        raise BadSetting(f"{where} must be true or false, not “{text}”")
    if expected is int:
        try:
            return int(text)
        except ValueError:
            raise BadSetting(f"{where} must be a whole number, not “{text}”") from None
    return text


def _type_name(kind: type) -> str:
    return {tuple: "a list of texts", bool: "true or false", int: "a whole number"}.get(kind, "a text")
