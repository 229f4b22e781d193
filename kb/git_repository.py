"""A Git repository of somebody else, by the program ``git``: read and added to, without running anything of it.

No hook runs, no filter, no other repository is asked but by `ask`, and no settings but the repository's own are read.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.exceptions import NotNow, Refused
from core.i18n import _

SECONDS = 60
REMOTE_SECONDS = 120
MOST_COMMITS = 50
LARGEST_BLOB = 60 * 1024 * 1024
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never", "core.attributesFile=/dev/null")
# Ways to other repositories that run nothing but Git, and ask nobody.
_REACHED = (
    "protocol.https.allow=always", "protocol.ssh.allow=always", "protocol.file.allow=always", "credential.helper=",
    "core.askPass=false", "gc.auto=0", "maintenance.auto=false", "core.gitProxy=none",
)  # fmt: skip


@dataclass(frozen=True)
class Blob:
    """A file in a commit: its hash and its size in bytes; ``is_link`` for a symbolic link."""

    sha: str
    size: int
    is_link: bool
    mode: str = "100644"


@dataclass(frozen=True)
class Commit:
    """Who wrote a commit, when and why."""

    sha: str
    name: str
    email: str
    at: datetime
    message: str


class Repository:
    """A repository, with or without a working tree.

    :raises Refused: with a sentence, if there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._neutral: dict[str, str] = {}
        if not self.folder.is_dir():
            raise Refused(_("There is no folder %(path)s.", path=str(folder)))
        found = self._run("rev-parse", "--absolute-git-dir", "--is-bare-repository", check=False)
        lines = found.stdout.decode(errors="replace").split("\n")
        if found.returncode or len(lines) < 2:
            raise Refused(_("%(path)s is no Git repository.", path=str(folder)))
        self.git_folder, self.is_bare = Path(lines[0]), lines[1] == "true"
        top = self.folder if self.is_bare else Path(self._text("rev-parse", "--show-toplevel"))
        if top.resolve() != self.folder:
            # Git looks for a repository above, too.
            raise Refused(_("%(path)s is no Git repository.", path=str(folder)))
        self._neutral = self._without_filters()
        named = self._run("symbolic-ref", "-q", "HEAD", check=False).stdout.decode(errors="replace").strip()
        if not named:
            raise Refused(_("The repository is on no branch."))
        self.branch = named

    def head(self) -> str:
        """The newest commit of the branch, "" if there is none."""
        found = self._run("rev-parse", "-q", "--verify", f"{self.branch}^{{commit}}", check=False)
        return found.stdout.decode().strip() if not found.returncode else ""

    def files(self, commit: str) -> dict[str, Blob]:
        """The files of a commit, by path."""
        found: dict[str, Blob] = {}
        for entry in self._run("ls-tree", "-r", "-z", "-l", "--full-tree", commit).stdout.split(b"\0"):
            head, _tab, path = entry.partition(b"\t")
            parts = head.split()
            if len(parts) == 4 and parts[1] == b"blob":
                size = int(parts[3]) if parts[3].isdigit() else 0
                found[path.decode("utf-8", "surrogateescape")] = Blob(
                    parts[2].decode(), size, parts[0] == b"120000", parts[0].decode()
                )
        return found

    def read(self, shas: Sequence[str]) -> dict[str, bytes]:
        """What blobs hold; those that are not there are left out."""
        wanted = "".join(f"{sha}\n" for sha in dict.fromkeys(shas)).encode()
        data = self._run("cat-file", "--batch", given=wanted).stdout if wanted else b""
        found: dict[str, bytes] = {}
        position = 0
        while position < len(data):
            end = data.index(b"\n", position)
            parts = data[position:end].split()
            position = end + 1
            if len(parts) == 3 and parts[1] == b"blob":
                size = int(parts[2])
                found[parts[0].decode()] = data[position : position + size]
                position += size + 1
        return found

    def renames(self, old: str, new: str) -> dict[str, str]:
        """Which paths of one commit are which of another; nothing if the older one is not there any more."""
        asked = ("diff-tree", "-r", "-z", "-M60%", "--diff-filter=R", "--no-ext-diff", "--name-status", old, new)
        found = self._run(*asked, check=False)
        parts = [] if found.returncode else found.stdout.decode("utf-8", "surrogateescape").split("\0")
        return {parts[at + 1]: parts[at + 2] for at in range(0, len(parts) - 2, 3)}

    def history(self, path: str, since: str, head: str) -> list[tuple[Commit, str]]:
        """The commits that changed a file, the oldest first, each with the hash of the file there.

        :param since: the last one that is known; where it is not in the history (any more), only the newest counts.
        """
        is_known = since and not self._run("merge-base", "--is-ancestor", since, head, check=False).returncode
        span = [f"{since}..{head}", f"-{MOST_COMMITS}"] if is_known else [head, "-1"]
        form = "--format=%x01%H%x00%an%x00%ae%x00%at%x00%B%x00"
        asked = (
            "log",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--no-show-signature",
            form,
            *span,
            "--",
            path,
        )
        found = self._run(*asked, check=False)
        commits = []
        for entry in found.stdout.decode("utf-8", "replace").split("\x01")[1:]:
            sha, name, email, at, message, *_rest = entry.split("\0")
            blob = self._run("rev-parse", "-q", "--verify", f"{sha}:{path}", check=False)
            if not blob.returncode:
                when = datetime.fromtimestamp(min(max(int(at), 0), 2**33), UTC)
                commits.append((Commit(sha, name, email, when, message.strip()), blob.stdout.decode().strip()))
        return commits[::-1]

    def hash(self, content: bytes) -> str:
        """The hash that a file with this content has; nothing is written."""
        return self._text("hash-object", "--no-filters", "--stdin", given=content)

    def commit(
        self, parent: str, changes: Mapping[str, bytes], *, author: tuple[str, str], at: datetime, message: str,
        committer: tuple[str, str],
    ) -> str:  # fmt: skip
        """Write a commit with changed files; the branch stays where it is until `move`. Returns its hash."""
        index = self.git_folder / "helpdesk-index"
        lines = b""
        for path, content in changes.items():
            sha = self._text("hash-object", "-w", "--no-filters", "--stdin", given=content)
            lines += f"100644 {sha}\t".encode() + path.encode("utf-8", "surrogateescape") + b"\0"
        extra = {"GIT_INDEX_FILE": str(index)}
        try:
            self._run("read-tree", *([parent] if parent else ["--empty"]), extra=extra)
            self._run("update-index", "-z", "--index-info", given=lines, extra=extra)
            tree = self._text("write-tree", extra=extra)
        finally:
            index.unlink(missing_ok=True)
        people = _people(author, committer, at)
        before = ("-p", parent) if parent else ()
        return self._text("commit-tree", tree, *before, "-F", "-", given=message.encode(), extra=people)

    def move(self, old: str, new: str) -> None:
        """Let the branch end at another commit, and a clean working tree follow.

        :raises NotNow: if the branch moved meanwhile.
        """
        moved = self._run("update-ref", self.branch, new, old or "0" * 40, check=False)
        if moved.returncode:
            raise NotNow(_("The branch has moved meanwhile."))
        if not self.is_bare:
            self._follow(old, new)

    def is_before(self, older: str, newer: str) -> bool:
        """Whether a commit is in the history of another one, as far as that is there."""
        return not self._run("merge-base", "--is-ancestor", older, newer, check=False).returncode

    def share(self, one: str, other: str) -> bool:
        """Whether two commits have one in common before them, as far as that is there."""
        return not self._run("merge-base", one, other, check=False).returncode

    def ref(self, name: str) -> str:
        """The commit that a reference names, "" if there is none."""
        found = self._run("rev-parse", "-q", "--verify", f"{name}^{{commit}}", check=False)
        return found.stdout.decode().strip() if not found.returncode else ""

    def keep(self, name: str, commit: str) -> None:
        """Let a reference of ours name a commit."""
        self._run("update-ref", name, commit)

    def joined(self, ours: str, theirs: str, *, committer: tuple[str, str], at: datetime, message: str) -> str:
        """A commit that joins two, "" where both changed the same lines. The branch stays where it is."""
        found = self._run("merge-tree", "--write-tree", ours, theirs, check=False)
        if found.returncode:
            return ""
        tree = found.stdout.decode().split("\n")[0]
        parents = ("-p", ours, "-p", theirs)
        extra = _people(committer, committer, at)
        return self._text("commit-tree", tree, *parents, "-F", "-", given=message.encode(), extra=extra)

    def setting(self, name: str) -> str:
        """A setting of the repository, "" if it has none."""
        return self._run("config", "--get", name, check=False).stdout.decode("utf-8", "replace").strip()

    def merged(self, base: bytes, ours: bytes, theirs: bytes, folder: Path) -> bytes | None:
        """Three texts as one, None where both changed the same lines.

        :param folder: for the three files, emptied by who gave it.
        """
        names = {"ours": ours, "base": base, "theirs": theirs}
        for name, content in names.items():
            (folder / name).write_bytes(content)
        found = self._run("merge-file", "-p", *(str(folder / name) for name in names), check=False)
        return found.stdout if found.returncode == 0 else None

    def _follow(self, old: str, new: str) -> None:
        """Bring those files of the working tree up to date that are as the branch had them; write no other."""
        before = self.files(old) if old else {}
        after = self.files(new)
        changed = [path for path, blob in after.items() if path not in before or before[path].sha != blob.sha]
        contents = self.read([after[path].sha for path in changed])
        followed = []
        for path in changed:
            target = self.folder / path
            is_inside = target.parent.resolve().is_relative_to(self.folder) and not target.is_symlink()
            was = before.get(path)
            is_clean = (
                not target.exists() if was is None else target.is_file() and self.hash(target.read_bytes()) == was.sha
            )
            if is_inside and is_clean and not after[path].is_link:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents[after[path].sha])
                target.chmod(0o755 if after[path].mode == "100755" else 0o644)
                followed.append(f"{after[path].mode} {after[path].sha}\t{path}\0")
        for path in before.keys() - after.keys():
            target = self.folder / path
            is_inside = target.parent.resolve().is_relative_to(self.folder) and not target.is_symlink()
            if is_inside and target.is_file() and self.hash(target.read_bytes()) == before[path].sha:
                target.unlink()
                followed.append(f"0 {'0' * len(new)}\t{path}\0")
        self._run("update-index", "-z", "--index-info", given="".join(followed).encode("utf-8", "surrogateescape"))

    def ask(self, *words: str, ssh: str) -> subprocess.CompletedProcess[bytes]:
        """Ask or tell another repository, which may take its time.

        :param ssh: the command by which others are reached.
        :raises NotNow: if it takes longer than `REMOTE_SECONDS`.
        """
        kept = {name: os.environ[name] for name in ("HOME", "SSH_AUTH_SOCK", "USER") if name in os.environ}
        extra = {
            **kept, "GIT_SSH_COMMAND": ssh, "GIT_ASKPASS": "false", "GIT_HTTP_LOW_SPEED_LIMIT": "100",
            "GIT_HTTP_LOW_SPEED_TIME": "30",
        }  # fmt: skip
        return self._run(*words, extra=extra, check=False, others=_REACHED, seconds=REMOTE_SECONDS)

    def _without_filters(self) -> dict[str, str]:
        """What to set so that no program runs that the repository names for its files."""
        found = self._run("config", "-z", "--name-only", "--get-regexp", r"^filter\.", check=False)
        keys = [key for key in found.stdout.decode("utf-8", "surrogateescape").split("\0") if key]
        values = {f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(keys)}
        for number, key in enumerate(keys):
            values[f"GIT_CONFIG_VALUE_{number}"] = "false" if key.endswith(".required") else ""
        return {**values, "GIT_CONFIG_COUNT": str(len(keys))}

    def _text(self, *words: str, given: bytes = b"", extra: Mapping[str, str] | None = None) -> str:
        return self._run(*words, given=given, extra=extra).stdout.decode("utf-8", "surrogateescape").strip()

    def _run(
        self, *words: str, given: bytes = b"", extra: Mapping[str, str] | None = None, check: bool = True,
        others: Sequence[str] = (), seconds: int = SECONDS,
    ) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
        settings = [word for each in (*_SAFE, *others, f"safe.directory={self.folder}") for word in ("-c", each)]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8", "GIT_NO_LAZY_FETCH": "1", **self._neutral, **(extra or {}),
        }  # fmt: skip
        try:
            process = subprocess.Popen(  # noqa: S603 # No shell, and every word is ours or behind one of ours.
                ["git", *settings, "-C", str(self.folder), *words],  # noqa: S607
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise Refused(_("The program git is not installed.")) from None
        try:
            out, errors = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            # What Git itself started holds the pipes open, too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise NotNow(_("Git took longer than %(seconds)s seconds.", seconds=seconds)) from None
        done = subprocess.CompletedProcess(words, process.returncode, out, errors)
        if check and done.returncode:
            problem = done.stderr.decode("utf-8", "replace").strip()[:300]
            raise NotNow(_("Git says: %(problem)s", problem=problem))
        return done


def _people(author: tuple[str, str], committer: tuple[str, str], at: datetime) -> dict[str, str]:
    stamp = f"{int(at.timestamp())} +0000"
    return {
        "GIT_AUTHOR_NAME": _plain(author[0]), "GIT_AUTHOR_EMAIL": _plain(author[1]), "GIT_AUTHOR_DATE": stamp,
        "GIT_COMMITTER_NAME": _plain(committer[0]), "GIT_COMMITTER_EMAIL": _plain(committer[1]),
    }  # fmt: skip


def _plain(words: str) -> str:
    """A name as Git takes it: without line breaks and angle brackets, never empty."""
    return " ".join("".join(char for char in words if char not in "<>\n\r\0").split()) or "unknown"
