"""Definitions of installed packages as candidates: found through imports, shown short, named by package and version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codeassist.request import CompletionRequest, InstalledIn, Snippet
from codeassist_indexer.libraries import python_packages
from codeassist_indexer.retrieval.ranking.features import NAMES, features
from codeassist_indexer.retrieval.ranking.ranker import Chooser, load_ranker
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.retrieval.sources.candidate import Candidate
from tests.indexer.installed_packages import GEARS, WIDGETS, Repository, install

HEAD = "import widgets\nfrom widgets import Widget, Gear, open_widget\n\n\ndef f():\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("libraries")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
            patch.delenv(name, raising=False)
        patch.setattr(python_packages, "system_packages", list)
        made = Repository(folder / "one", folder / "cache", {"app.py": HEAD, "other.py": "x = 1\n"})
        install(made.site_packages, "widgets", "2.1.0", WIDGETS)
        install(made.site_packages, "gears", "0.3", GEARS)
        made.update()
    return made


def retriever(repository: Repository) -> IndexRetriever:
    return IndexRetriever(repository.store, "learned", chooser=Chooser(load_ranker()), libraries=repository.libraries)


def candidates(repository: Repository, text: str) -> dict[str, Candidate]:
    found = retriever(repository).candidates(CompletionRequest("app.py", HEAD + text, "\n"))
    assert not found.late_sources
    return {each.name: each for each in found.candidates if each.snippet.library is not None}


def test_a_type_is_shown_with_what_it_is_made_with_and_its_members(repository: Repository) -> None:
    found = candidates(repository, "    # a Widget\n    ")["Widget"]
    assert found.snippet == Snippet(
        "widgets/_core.py",
        'class Widget:\n    """A thing with knobs. It has more to it."""\n'
        "    def __init__(self, name: str, *, num_knobs: int = 3) -> None: ...\n"
        "    def turn_knob(self, knob: int, *, degrees: float, clockwise: bool = True) -> Widget: ...\n",
        8, 21, "definition", found.snippet.score, found.snippet.reason,
        InstalledIn("widgets 2.1.0", str(repository.site_packages)),
    )  # fmt: skip
    assert found.snippet.reason == "defines Widget, of widgets 2.1.0, imported in line 2"
    assert found.facts.is_imported and found.facts.name_distance == 1


def test_a_place_asks_of_a_type_what_it_needs(repository: Repository) -> None:
    """In its call what makes one; after the dot of one all names, and of what is named near what it takes."""
    made = candidates(repository, "    Widget(")["Widget"].snippet.text
    assert "num_knobs: int = 3" in made and "turn_knob" not in made
    after = candidates(repository, "    w = Widget('a')\n    w.")["Widget"].snippet.text
    assert after.endswith("# Widget has name, turn_knob\n")


def test_what_one_package_hands_on_is_found_in_the_other(repository: Repository) -> None:
    assert candidates(repository, "    Gear(")["Gear"].snippet.library == "gears 0.3"


def test_a_method_that_is_called_is_shown_alone(repository: Repository) -> None:
    found = candidates(repository, "    w = Widget('a')\n    w.turn_knob(")["Widget.turn_knob"]
    assert found.snippet.text == (
        "class Widget:\n    def turn_knob(self, knob: int, *, degrees: float, clockwise: bool = True) -> Widget:\n"
        '        """Turn one of them."""\n        ...\n'
    )
    found = candidates(repository, "    w = widgets.open_widget('a')\n    w.turn_knob(")
    assert "Widget.turn_knob" in found, "of whatever has it, where nobody knows what w is"


def test_behind_the_dot_of_a_module_stands_what_it_offers(repository: Repository) -> None:
    found = candidates(repository, "    widgets.")["widgets"]
    offered = found.snippet.text.removeprefix("# widgets has ").strip().split(", ")
    assert set(offered) == {"Widget", "open_widget", "Circle"}
    assert "open_widget" in candidates(repository, "    widgets.open_widget(")


def test_a_file_that_imports_nothing_sees_nothing(repository: Repository) -> None:
    found = retriever(repository).candidates(CompletionRequest("other.py", "x = 1\nWidget(", "\n"))
    assert not [each for each in found.candidates if each.snippet.library is not None]


def test_a_request_may_do_without(repository: Repository) -> None:
    request = CompletionRequest("app.py", HEAD + "    Widget(", "\n", sees_libraries=False)
    assert not [each for each in retriever(repository).candidates(request).candidates if each.snippet.library]
    assert not [each for each in retriever(repository).retrieve(request, 4_000).snippets if each.library]


def test_the_shipped_ranker_judges_them_as_what_the_file_imports(repository: Repository) -> None:
    request = CompletionRequest("app.py", HEAD + "    Widget(", "\n")
    found = retriever(repository).candidates(request).candidates
    rows = features(found, request)
    [number] = [n for n, each in enumerate(found) if each.name == "Widget"]
    assert rows[number, NAMES.index("imported_found")] == 1 and rows[number, NAMES.index("is_imported")] == 1
    assert not [name for name in NAMES if name.startswith("library")], "a ranker that was made before is still one"
    chosen = retriever(repository).retrieve(request, 4_000).snippets
    assert "widgets/_core.py" in [each.path for each in chosen if each.library]


def test_what_was_found_rests_on_the_packages_too(repository: Repository, tmp_path: Path) -> None:
    own = Repository(tmp_path / "two", tmp_path / "cache", {"app.py": "import late\n"})
    own.update()
    request = CompletionRequest("app.py", "import late\nlate.", "\n")
    asked = IndexRetriever(own.store, "learned", chooser=Chooser(load_ranker()), libraries=own.libraries)
    basis = asked.retrieve(request, 4_000).basis
    assert basis is not None and basis.holds()
    install(own.site_packages, "late", "1.0", {"late.py": "def come_now(): ...\n"})
    own.update()
    assert not basis.holds()
    assert [each.library for each in asked.retrieve(request, 4_000).snippets] == ["late 1.0"]


TYPES = {
    "dist/index.d.ts": 'export * from "./client";\nexport { Knob as Button } from "./knobs.js";\n',
    "dist/client.d.ts": """import { Messages } from "./messages.js";
/** Talks to a server. */
export declare class Client {
    readonly messages: Messages;
    private secret: string;
    constructor(options: { apiKey: string });
    connect(url: string, options?: { timeout: number }): Promise<Client>;
}
export default Client;
""",
    "dist/messages.d.ts": """export declare class Messages {
    createOne(body: string, max: number): Promise<string>;
}
""",
    "dist/knobs.d.ts": "export interface Knob {\n    turn(degrees: number): void;\n}\n",
}
SCRIPT = 'import Client, { Button } from "@acme/kit";\nimport * as kit from "@acme/kit";\n\n'


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        ("const c = new Client(", "Client", "constructor(options: { apiKey: string });"),
        ("const c = new Client();\nc.", "Client", "connect(url: string, options?: { timeout: number })"),
        ("const c = await new kit.Client().connect();\nconst d = new kit.Client();\nd.messages.createOne(",
         "Messages.createOne", "createOne(body: string, max: number): Promise<string>;"),
        ("let b: Button;\nb.turn(", "Knob", "turn(degrees: number): void;"),
        ("kit.", "@acme/kit", "Button, Client"),
    ],
)  # fmt: skip
def test_declarations_of_node_modules(tmp_path: Path, text: str, name: str, shown: str) -> None:
    made = Repository(tmp_path / "one", tmp_path / "cache", {"src/app.ts": SCRIPT})
    package = made.root / "node_modules" / "@acme" / "kit"
    for path, declared in TYPES.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(declared)
    (package / "package.json").write_text('{"version": "3.1.0", "exports": {".": "./dist/index.js"}}')
    made.update()
    found = retriever(made).candidates(CompletionRequest("src/app.ts", SCRIPT + text, "\n")).candidates
    snippets = {each.name: each.snippet for each in found if each.snippet.library == "@acme/kit 3.1.0"}
    assert name in snippets and shown in snippets[name].text and "secret" not in snippets[name].text


@pytest.mark.parametrize("max_chars", [300, 900, 4_000])
def test_what_of_the_repository_is_chosen_does_not_depend_on_packages(tmp_path: Path, max_chars: int) -> None:
    own = "\n\n".join(
        f"def helper_{n}(widget, knob):\n    gear = widget.turn_knob(knob, degrees={n})\n    return gear"
        for n in range(30)
    )
    text = f"{HEAD.replace('import widgets', 'import widgets, own', 1)}    w = Widget('a')\n    own.helper_3(w, 1)\n"
    made = Repository(tmp_path / "one", tmp_path / "cache", {"app.py": text, "own.py": own})
    install(made.site_packages, "widgets", "2.1.0", WIDGETS)
    install(made.site_packages, "gears", "0.3", GEARS)
    made.update()
    request = CompletionRequest("app.py", text + "    w.turn_knob(", "\n")
    with_packages = retriever(made).retrieve(request, max_chars).snippets
    without = retriever(made).retrieve(replace(request, sees_libraries=False), max_chars).snippets
    assert without and with_packages[: len(without)] == without
    assert all(each.library for each in with_packages[len(without) :])
    assert sum(len(each.text) for each in with_packages) <= max_chars
