"""An invitation as text that reads well: what, when, where, who (RFC 5545, as much as a reader of mail needs)."""

import re
from datetime import datetime

_MOST = 200_000
_FOLD = re.compile(r"\r?\n[ \t]")
_ESCAPED = re.compile(r"\\([\\;,nN])")
_WHEN = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?")


def calendar_text(source: str) -> str:
    """Summary, time, place, organizer and description of the first event in an iCalendar text; "" if there is none."""
    event = _event(_FOLD.sub("", source[:_MOST]))
    if not event:
        return ""
    lines = [_value(event, "SUMMARY")]
    when = [_moment(*event[name]) for name in ("DTSTART", "DTEND") if name in event]
    if any(when):
        lines.append("When: " + " – ".join(each for each in when if each))
    if _value(event, "LOCATION"):
        lines.append("Where: " + _value(event, "LOCATION"))
    if "ORGANIZER" in event:
        lines.append("Organizer: " + _person(*event["ORGANIZER"]))
    text = "\n".join(line for line in lines if line)
    description = _value(event, "DESCRIPTION").strip()
    return f"{text}\n\n{description}".strip() if description else text


def _event(source: str) -> dict[str, tuple[str, str]]:
    """Property → parameters and value, of the first VEVENT (or VTODO); those of parts inside it are left out."""
    found: dict[str, tuple[str, str]] = {}
    inside, deeper = "", 0
    for line in source.splitlines():
        head, colon, value = _divided(line)
        name, _, parameters = head.partition(";")
        name = name.upper()
        if not colon:
            continue
        kind = value.strip().upper()
        if name == "BEGIN":
            deeper += bool(inside)
            if not inside and kind in {"VEVENT", "VTODO"}:
                inside = kind
        elif name == "END":
            if inside and not deeper and kind == inside:
                return found
            deeper -= deeper > 0
        elif inside and not deeper:
            found.setdefault(name, (parameters, value))
    return found


def _divided(line: str) -> tuple[str, str, str]:
    """Name with parameters, colon, value; colons inside quoted parameters do not divide."""
    quoted = False
    for place, char in enumerate(line[:2_000]):
        if char == '"':
            quoted = not quoted
        elif char == ":" and not quoted:
            return line[:place], ":", line[place + 1 :]
    return line, "", ""


def _value(event: dict[str, tuple[str, str]], name: str) -> str:
    value = event.get(name, ("", ""))[1].strip()
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def _moment(parameters: str, value: str) -> str:
    found = _WHEN.match(value.strip())
    if found is None:
        return value.strip()[:60]
    year, month, day, hour, minute, _, utc = found.groups()
    try:
        datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0))  # noqa: DTZ001 # only whether it exists
    except ValueError:
        return value.strip()[:60]
    if hour is None:
        return f"{year}-{month}-{day}"
    zone = next((each[5:].strip('"') for each in parameters.split(";") if each.upper().startswith("TZID=")), "")
    return f"{year}-{month}-{day} {hour}:{minute}" + (" UTC" if utc else f" ({zone[:60]})" if zone else "")


def _person(parameters: str, value: str) -> str:
    named = next((each[3:].strip('"') for each in parameters.split(";") if each.upper().startswith("CN=")), "")
    address = value.strip().partition(":")[2] if value.lower().startswith("mailto:") else value.strip()
    return f"{named} <{address}>" if named and address and named != address else named or address
