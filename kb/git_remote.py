"""The repository from which another one was cloned: its commits are fetched, and ours are pushed, never by force.

It is reached by its address alone: nothing that the settings of the clone say of programs to run for it counts.
"""

import re
from datetime import datetime

from core.exceptions import NotNow, Refused
from core.i18n import _
from kb.git_repository import Repository

_NAME = re.compile(r"[\w.-]{1,100}")
# https, ssh (also as user@host:path), a folder. Nothing with "::", which names a program.
_ADDRESS = re.compile(r"(?:(?:https|ssh|file)://|[\w.-]+@[\w.-]+:|/|\.{1,2}/)(?!.*::)[^\x00-\x1f]*")
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"


_FETCHED = "refs/helpdesk/fetched"


class PushRefused(NotNow):
    """Somebody else has pushed meanwhile."""


class Remote:
    """A remote of a repository, and its branch of the same name.

    :raises Refused: if there is none of this name, or it cannot be reached by https, ssh or as a folder.
    """

    def __init__(self, repository: Repository, name: str) -> None:
        self.repository, self.name = repository, name
        if not _NAME.fullmatch(name):
            raise Refused(_("The repository has no remote “%(name)s”.", name=name))
        self.address = repository.setting(f"remote.{name}.url")
        if not self.address:
            raise Refused(_("The repository has no remote “%(name)s”.", name=name))
        if not _ADDRESS.fullmatch(self.address):
            raise Refused(_("A remote is reached by https, by ssh or as a folder, and not otherwise."))
        branch = repository.branch.removeprefix("refs/heads/")
        self._known, self._tracked = f"refs/helpdesk/{name}/{branch}", f"refs/remotes/{name}/{branch}"

    def bring_in(self, last: str, *, committer: tuple[str, str], at: datetime) -> list[str]:
        """Fetch, and let the branch of the repository have the commits of the remote. Returns what people should know.

        :param last: the commit with which both sides were the same last, "" if there was none.
        :raises NotNow: if the remote cannot be reached, or what both have does not go together; nothing is changed.
        """
        repository = self.repository
        before = repository.ref(self._known) or repository.ref(self._tracked)
        there, local = self._fetch(), repository.head()
        said: list[str] = []
        is_rewritten = bool(before and there) and not repository.is_before(before, there)
        apart = bool(local and there) and not (
            repository.is_before(local, there) or repository.is_before(there, local)
        )
        # Where it is not known what the remote had before, what has nothing in common is another history.
        if is_rewritten or (apart and not before and local == last and not repository.share(local, there)):
            said = self._follow_rewritten(before or last, local, there)
        elif apart:
            message = f"Join what {self.name} says\n"
            end = repository.joined(local, there, committer=committer, at=at, message=message)
            if not end:
                raise NotNow(
                    _("The repository and its remote have both changed the same lines. Merge them with Git first.")
                )
            repository.move(local, end)
        elif there and there != local and (not local or repository.is_before(local, there)):
            repository.move(local, there)
        if there:
            repository.keep(self._known, there)
        return said

    def push(self, commit: str) -> None:
        """Let the branch of the remote end at a commit.

        :raises PushRefused: if somebody else pushed since it was fetched.
        :raises NotNow: if it cannot be reached, or does not want the commit.
        """
        words = (
            "--porcelain",
            "--no-verify",
            "--no-signed",
            "--recurse-submodules=no",
            "--receive-pack=git-receive-pack",
        )
        done = self.repository.ask(
            "push", *words, "--", self.address, f"{commit}:{self.repository.branch}", ssh=_SSH
        )  # fmt: skip
        if done.returncode:
            said = f"{done.stdout.decode('utf-8', 'replace')}\n{done.stderr.decode('utf-8', 'replace')}"
            if "[rejected]" in said or "cannot lock ref" in said or "failed to update ref" in said:
                raise PushRefused(_("Somebody else has pushed meanwhile."))
            raise NotNow(_("The remote did not take the commits: %(problem)s", problem=self._plain(said)))
        self.repository.keep(self._known, commit)

    def is_at(self, commit: str) -> bool:
        """Whether the branch of the remote ended at a commit when it was asked last."""
        return self.repository.ref(self._known) == commit

    def has_branch(self) -> bool:
        """Whether the remote has the branch of the repository.

        :raises NotNow: if it cannot be reached.
        """
        words = ("--heads", "--upload-pack=git-upload-pack", "--", self.address, self.repository.branch)
        asked = self.repository.ask("ls-remote", *words, ssh=_SSH)
        self._check(asked.returncode, asked.stderr)
        return bool(asked.stdout.strip())

    def _fetch(self) -> str:
        """The newest commit of the remote's branch, which is here then; "" if it has no such branch."""
        if not self.has_branch():
            return ""
        options = ("--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--upload-pack=git-upload-pack")
        done = self.repository.ask(
            "fetch", *options, "--", self.address, f"+{self.repository.branch}:{_FETCHED}", ssh=_SSH
        )  # fmt: skip
        self._check(done.returncode, done.stderr)
        return self.repository.ref(_FETCHED)

    def _follow_rewritten(self, before: str, local: str, there: str) -> list[str]:
        if local != before:
            self.repository.keep(self._known, before)
            raise NotNow(
                _("The remote was rewritten, and the repository has commits of its own. Join them with Git first.")
            )
        kept = f"refs/helpdesk/before/{local[:12]}"
        self.repository.keep(kept, local)
        self.repository.move(local, there)
        return [str(_("The history of the remote was rewritten. What it was before is kept as %(name)s.", name=kept))]

    def _check(self, code: int, said: bytes) -> None:
        if code:
            problem = self._plain(said.decode("utf-8", "replace"))
            raise NotNow(_("The remote cannot be reached: %(problem)s", problem=problem))

    def _plain(self, said: str) -> str:
        """What Git said, without the address, in which a password may stand."""
        return " ".join(said.replace(self.address, self.name).split())[:300]
