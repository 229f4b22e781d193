"""Every mail in tests/fixtures/mail is read as the JSON beside it says.

The JSON is a subset: keys that are missing are not compared. ``has`` and ``lacks`` look inside texts, ``more`` holds
fields that the JSON form leaves out, ``unparsable`` is the reason of a refusal.
"""

import json
from pathlib import Path

import pytest

from core.mime import Unparsable, parse, to_json

FOLDER = Path(__file__).parent.parent / "fixtures" / "mail"
MAILS = sorted(FOLDER.glob("*.eml"))


def differences(expected, found, where=""):
    """The places where ``found`` is not what ``expected`` asks for; lists must have the same length."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [each for key in expected for each in differences(expected[key], found.get(key), f"{where}.{key}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [each for place, (one, two) in pairs for each in differences(one, two, f"{where}[{place}]")]
    return [] if expected == found else [f"{where}: expected {expected!r}, found {found!r}"]


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_mail_is_read_as_the_file_beside_it_says(path):
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    if "unparsable" in expected:
        with pytest.raises(Unparsable) as refusal:
            parse(path.read_bytes())
        assert refusal.value.reason == expected["unparsable"]
        return
    mail = parse(path.read_bytes())
    found = to_json(mail)
    json.dumps(found)
    has, lacks, more = (expected.pop(key, {}) for key in ("has", "lacks", "more"))
    assert differences(expected, found) == []
    assert differences(more, {name: getattr(mail, name) for name in more}) == []
    assert [text for key, texts in has.items() for text in texts if text not in found[key]] == []
    assert [text for key, texts in lacks.items() for text in texts if text in found[key]] == []


def test_every_mail_has_its_expectation_and_there_are_many():
    assert {path.stem for path in FOLDER.glob("*.json")} == {path.stem for path in MAILS}
    assert len(MAILS) >= 200
