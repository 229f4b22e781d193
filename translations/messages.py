"""The catalogues: ``python -m translations.messages compile | update | check``."""

import subprocess
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
LANGUAGES = ("es", "fr")
TEMPLATE = FOLDER / "messages.pot"


def catalogue(language: str) -> Path:
    """Where the texts of a language are."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def compile_all() -> None:
    """Make the binary form of each catalogue, where it is older than its source."""
    for language in LANGUAGES:
        source = catalogue(language)
        target = source.with_suffix(".mo")
        if source.exists() and (not target.exists() or target.stat().st_mtime < source.stat().st_mtime):
            with source.open("rb") as texts, target.open("wb") as compiled:
                write_mo(compiled, read_po(texts, locale=language))


def update() -> None:
    """Collect the texts of code and templates, and bring each catalogue up to date without guessing."""
    tool = Path(sys.executable).parent / "pybabel"
    root = FOLDER.parent
    collect: list[str | Path] = [
        tool, "-q", "extract", "-F", FOLDER / "babel.cfg", "-k", "lazy", "-k", "_l", "-k", "N_", "--no-location",
        "--sort-output", "--project=OCDS Helpdesk", "--copyright-holder=The OCDS Helpdesk contributors", "-o",
        TEMPLATE, ".",
    ]  # fmt: skip
    subprocess.run(collect, cwd=root, check=True)  # noqa: S603 # Our own tool and paths.
    for language in LANGUAGES:
        exists = catalogue(language).exists()
        verb = ["update", "--no-fuzzy-matching", "--ignore-obsolete"] if exists else ["init"]
        command: list[str | Path] = [tool, "-q", *verb, "-i", TEMPLATE, "-d", FOLDER, "-l", language]
        subprocess.run(command, cwd=root, check=True)  # noqa: S603


def missing(language: str) -> list[str]:
    """The texts that a catalogue does not have yet."""
    with catalogue(language).open("rb") as source:
        texts = read_po(source, locale=language)
    known = {message.id for message in texts if message.id and message.string and all(
        message.string if isinstance(message.string, tuple) else (message.string,)) and not message.fuzzy}  # fmt: skip
    with TEMPLATE.open("rb") as source:
        return [str(message.id) for message in read_po(source) if message.id and message.id not in known]


def main() -> None:
    """Do what the command line says."""
    if sys.argv[1] == "compile":
        compile_all()
    elif sys.argv[1] == "update":
        update()
    else:
        lacking = {language: missing(language) for language in LANGUAGES}
        for language, texts in lacking.items():
            for text in texts:
                print(f"{language}: no translation of “{text}”")  # noqa: T201 # This is a command.
        if any(lacking.values()):
            sys.exit(1)


if __name__ == "__main__":
    main()
