"""The type of what stands before a dot, as packages declare it: each way in which a text comes by a value."""

from __future__ import annotations

import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.libraries import python_packages
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from tests.indexer.installed_packages import GEARS, REMOTE, Repository, install

IMPORTS = "import remote\nimport remote as rm\nfrom remote import Client, connect as join\nfrom gears import Gear\n\n"
BEFORE = [
    ("c = Client()\n", "c.", "Client"),
    ("c = remote.Client(1)\nd = c\n", "d.", "Client"),
    ("c = rm.connect('x')\n", "c.", "Client"),
    ("c = await join('x')\n", "c.", "Client"),
    ("with remote.Client() as c:\n", "    c.", "Client"),
    ("async with join('x') as c:\n", "    c.", "Client"),
    ("def f(c: Client, other=1):\n", "    c.", "Client"),
    ("def f(c: remote.Client | None = None):\n", "    c.", "Client"),
    ("c: 'Client'\n", "c.", "Client"),
    ("c = Gear()\nc = Client()\n", "c.", "Client"),
    ("self.c = Client()\n", "self.c.", "Client"),
    ("c = Client()\n", "c.messages.", "Messages"),
    ("self.c = Client()\n", "await self.c.raw.", "Messages"),
    ("c = Client().close()\nc = Client()\nm = c.messages\n", "m.", "Messages"),
    ("c = Client()\ng = await c.gear(3)\n", "g.", "Gear"),
    ("c = Client()\nd = c.with_options(timeout=3)\n", "d.", "Client"),
]
UNKNOWN = [
    ("c = make()\n", "c."),
    ("c = Client()\nc = other(c)\n", "c."),
    ("c = Client()\n", "c.nothing.at_all."),
    ("c = c\n", "c."),
    ("a = b\nb = a\n", "a."),
    ("cc = Client()\n", "c."),
]
CALLED = [
    ("c = Client()\n", "c.messages.create_one(model='x', ", "Messages.create_one"),
    ("c = Client()\n", "c.close_it(", "Base.close_it"),
    ("g = Gear()\n", "g.mesh(", "Gear.mesh"),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("receivers")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
            patch.delenv(name, raising=False)
        patch.setattr(python_packages, "system_packages", list)
        made = Repository(folder / "one", folder / "cache", {"app.py": IMPORTS})
        install(made.site_packages, "remote", "1.0", REMOTE)
        install(made.site_packages, "gears", "0.3", GEARS)
        made.update()
    return made


def first(repository: Repository, text: str) -> tuple[str, str] | None:
    """Return what stands first of packages, with its package, if it is there for what stands before the dot."""
    retriever = IndexRetriever(repository.store, "learned", libraries=repository.libraries)
    found = retriever.candidates(CompletionRequest("app.py", IMPORTS + text, "\n"))
    assert not found.late_sources
    best = next(each for each in found.candidates if each.snippet.library is not None)
    is_for_it = "the type of" in best.snippet.reason or "called here" in best.snippet.reason
    return (best.name, best.snippet.library or "") if is_for_it else None


@pytest.mark.parametrize(("before", "line", "type_name"), BEFORE)
def test_the_type_is_found(repository: Repository, before: str, line: str, type_name: str) -> None:
    label = "gears 0.3" if type_name == "Gear" else "remote 1.0"
    assert first(repository, before + line) == (type_name, label)


@pytest.mark.parametrize(("before", "line"), UNKNOWN)
def test_what_is_not_known_is_not_guessed(repository: Repository, before: str, line: str) -> None:
    assert first(repository, before + line) is None


@pytest.mark.parametrize(("before", "line", "member"), CALLED)
def test_what_is_called_is_found_through_bases(repository: Repository, before: str, line: str, member: str) -> None:
    found = first(repository, before + line)
    assert found is not None and found[0] == member


@pytest.mark.parametrize("line", ["a.", "a.b = ", "c: a, ", ", c(", "with c(", "c = c.", "c   ", "c: "])
def test_a_long_line_of_names_takes_no_time(repository: Repository, line: str) -> None:
    """Each place of the text is looked at, and a little of what follows it: a square of 60,000 would take a minute."""
    assert first(repository, line * (60_000 // len(line)) + "\nc.") is None
