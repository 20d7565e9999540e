"""Which requests may leave this machine: those of repositories that the user named. Pure but for links on the disk.

What no rule allows is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from codeassist.request import CompletionRequest, InstalledIn

EVERYTHING = "*"
KeepsHere = Callable[[CompletionRequest], str | None]


class RemotePolicy:
    """The user's list: folders, each for itself and all repositories in it, or "*" for every file there is.

    `keeps_here` says why a request of an allowed repository must stay all the same, for a file of keys say; else None.
    """

    def __init__(self, folders: Sequence[str], keeps_here: KeepsHere = lambda request: None) -> None:
        self._has_all = EVERYTHING in folders
        self._folders = tuple(Path(folder).resolve() for folder in folders if folder != EVERYTHING)
        self._keeps_here = keeps_here

    def __bool__(self) -> bool:
        """Whether anything is allowed."""
        return self._has_all or bool(self._folders)

    def why_not(self, request: CompletionRequest) -> str | None:
        """Why a request must not leave this machine, for people; None where it may.

        A text that nobody has named a file for is none of a repository's: only "*" lets it out.
        """
        if not self._has_all:
            if request.root is None:
                return "the file is in no repository"
            if not request.has_file:
                return "the text has no file yet, so it is none of its repository's"
            root = Path(request.root).resolve()
            if not any(root.is_relative_to(folder) for folder in self._folders):
                return "its repository is not among remote.repositories"
        return self._keeps_here(request)

    def may_see_packages(self, request: CompletionRequest) -> bool:
        """Whether text of any installed package may go with a request: whether any folder of packages may be named."""
        root = None if request.root is None else Path(request.root).resolve()
        return self._has_all or any(root is None or not root.is_relative_to(folder) for folder in self._folders)

    def lets_package_out(self, package: InstalledIn, request: CompletionRequest) -> bool:
        """Whether text of an installed package may go with a request.

        Its folder must be named, or one above it that is not the repository's as well: whoever named the repository
        spoke of its own code.
        """
        if self._has_all:
            return True
        root = None if request.root is None else Path(request.root).resolve()
        folder = Path(package.folder).resolve()
        return any(
            folder.is_relative_to(named) and (root is None or not root.is_relative_to(named)) for named in self._folders
        )
