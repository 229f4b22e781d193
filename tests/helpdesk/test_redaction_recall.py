"""How much of what belongs to somebody is found, measured on made-up threads in the languages of the desk."""

from collections import Counter
from pathlib import Path

from helpdesk import redaction
from helpdesk.redaction import Known, host_of
from tests.helpdesk import redaction_cases, redaction_cases_blind, redaction_cases_more

ROOT = Path(__file__).parents[2]
CASES = (*redaction_cases.CASES, *redaction_cases_more.CASES, *redaction_cases_blind.CASES)

# What must be found nearly always, and at least so much of the rest.
SURE = ("name", "e-mail", "phone")
SURE_RECALL, RECALL, PRECISION = 0.97, 0.95, 0.95


def measured():
    """(found, expected, what else was found that is not a maybe) of all cases, by kind; and what was missed."""
    found, expected, more, missed = Counter(), Counter(), Counter(), []
    for people, organisations, mails, text, wanted in CASES:
        hosts = tuple(filter(None, (host_of(mail) for mail in mails)))
        known = Known(people, organisations, hosts, (), tuple(mail.partition("@")[0] for mail in mails))
        there = redaction.find(text, known)
        matched = set()
        for kind, parts in wanted.items():
            for part in parts:
                expected[kind] += 1
                covering = [one for one in there if part in one.text]
                if covering:
                    found[kind] += 1
                    matched |= set(covering)
                else:
                    missed.append((kind, part, text))
        for one in there:
            if (
                one not in matched
                and not one.is_maybe
                and not any(one.text in part for parts in wanted.values() for part in parts)
            ):
                more[one.kind] += 1
                missed.append(("too much", one.kind, one.text, text))
    return found, expected, more, missed


def test_the_set_is_large_enough_and_in_three_languages():
    assert len(CASES) >= 140


def test_what_tells_who_asked_is_found_and_little_else():
    found, expected, more, missed = measured()
    for kind in SURE:
        assert found[kind] / expected[kind] >= SURE_RECALL, (kind, missed)
    assert found.total() / expected.total() >= RECALL, missed
    assert found.total() / (found.total() + more.total()) >= PRECISION, missed


def test_texts_about_the_standard_name_few_people():
    """Words with capitals are no names because they have capitals."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "portal" / "demo" / "articles").rglob("*.md"))]
    assert len(texts) >= 30
    sure = [one for text in texts for one in redaction.find(text, Known()) if not one.is_maybe and one.kind != "link"]
    assert len(sure) <= len(texts) / 2, [(one.kind, one.text) for one in sure]
