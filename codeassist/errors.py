"""The error tree: what can go wrong and what a user is told.

Every message is one line that says what went wrong, where, and what to do.
"""


class CodeAssistError(Exception):
    """Anything that a user can be told in one line. `exit_code` is what the command line returns for it."""

    exit_code = 1


class SettingsError(CodeAssistError):
    """A setting that does not exist, has the wrong type, or cannot be met by this machine."""

    exit_code = 2


class RequestError(CodeAssistError):
    """A request that cannot be served: no such file, a cursor outside the text, a file that is not text."""

    exit_code = 3


class ModelError(CodeAssistError):
    """A model that cannot be found, fetched, verified or run."""

    exit_code = 4


class ModelMissing(ModelError):  # noqa: N818
    """A model that is not installed and can be fetched: `codeassist models pull NAME`.

    `lack` is the message's first part, what is not there: editors say by themselves what to do. `name` may be "auto".
    """

    def __init__(self, lack: str, advice: str, name: str) -> None:
        super().__init__(f"{lack}; {advice}")
        self.lack = lack
        self.name = name


class IndexUnusable(CodeAssistError):  # noqa: N818 — a state, as the house names it
    """An index that cannot be opened, read or written as things are: its folder, the disk, who else holds it."""

    exit_code = 5


class IndexCorrupt(IndexUnusable):
    """An index database that cannot be read. The caller deletes and rebuilds it: it holds nothing of its own."""


class Cancelled(CodeAssistError):  # noqa: N818
    """The work was stopped because nobody waits for it any more."""

    exit_code = 130
