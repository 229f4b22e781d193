"""The short form of the fuzz run: a few hundred mails, the same each time."""

import itertools

import pytest

from tests.fuzz import mail as fuzz


def test_mutated_mails_are_parsed_or_refused_and_nothing_else():
    faults = []
    for number, mail in itertools.islice(fuzz.mails(seed=7), 700):
        try:
            fuzz.check(mail)
        except Exception as error:  # All findings are told at once.
            faults.append(f"mail {number}: {type(error).__name__}: {error}")
    assert faults == []


def test_the_check_sees_a_fault_of_the_parser(monkeypatch):
    monkeypatch.setattr("core.mime.language_of", lambda *texts: 1 / 0)
    with pytest.raises(AssertionError, match="a fault of ours"):
        fuzz.check(b"From: a@x.example\n\nText.\n")
