"""Which repository a file belongs to, and that its index follows the editor and the disk. Waits for events."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.edit_requests.commit_history import CommitHistory
from codeassist_lsp.workspace import background_index
from codeassist_lsp.workspace import workspaces as module
from codeassist_lsp.workspace.background_index import Coverage
from codeassist_lsp.workspace.configuration import Configuration
from codeassist_lsp.workspace.indexes import Indexes
from codeassist_lsp.workspace.workspace import OnCoverage, Workspace
from codeassist_lsp.workspace.workspaces import Workspaces
from tests.git_repositories import commit_files

WAIT_S = 30


class Editor:
    """Workspaces with a home of their own, and the coverage that was reported."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "config.toml").write_text('[context]\nmode = "full"\ndeadline_ms = 10000\n')
        self.environment = {"CODEASSIST_HOME": str(self.home)}
        self.reported: list[str] = []
        self.coverage: list[tuple[Path, Coverage]] = []
        self.configuration = Configuration(self.reported.append, environment=self.environment)
        self.indexes = Indexes()
        report: OnCoverage = lambda root, state: self.coverage.append((root, state))  # noqa: E731
        self.workspaces = Workspaces(self.configuration, report, self.indexes)

    def open(self, file: Path) -> Workspace:
        found = self.workspaces.find(file)
        assert found is not None
        wait_until(lambda: not found.coverage().is_building)
        return found


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    made = Editor(tmp_path)
    yield made
    made.workspaces.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo")


def repository(root: Path) -> Path:
    (root / ".git").mkdir(parents=True)
    (root / "shapes.py").write_text("def polygon_area(points):\n    return sum(points)\n")
    (root / "main.py").write_text("import shapes\n\nshapes.\n")
    return root


def wait_until(has_happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not has_happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def context(workspace: Workspace, path: str = "main.py") -> str:
    """Return what other files say at a place that names everything that these tests write."""
    prefix = "import shapes\nfrom shapes import *\n\npolygon_area circle_area edge_count other_name shapes."
    snippets = workspace.retriever.retrieve(CompletionRequest(path, prefix, ""), 4000).snippets
    return "".join(snippet.text for snippet in snippets)


# --- which repository


def test_a_file_belongs_to_the_repository_around_it(editor: Editor, root: Path, tmp_path: Path) -> None:
    inner = repository(root / "vendored" / "inner")
    plain = tmp_path / "plain"
    (plain / "sub").mkdir(parents=True)
    lone = tmp_path / "lone.py"
    find = editor.workspaces.find
    assert find(lone) is None
    assert find(plain / "sub" / "a.py") is None
    editor.workspaces.add(root / "vendored")
    assert [each.root for each in editor.workspaces.all()] == [root]
    for file, expected in ((root / "main.py", root), (inner / "main.py", inner), (root / "new" / "b.py", root)):
        found = find(file)
        assert found is not None
        assert found.root == expected
        assert find(file) is found
    for folder in (plain, plain / "sub"):  # no repository: the innermost folder of the editor's
        editor.workspaces.add(folder)
        found = find(plain / "sub" / "a.py")
        assert found is not None
        assert found.root == folder
    assert found.relative(plain / "sub" / "a.py") == "a.py"
    assert find(lone) is None


def test_links_are_resolved(editor: Editor, root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    (root / "alias.py").symlink_to("shapes.py")
    found = editor.workspaces.find(tmp_path / "link" / "alias.py")
    assert found is not None
    assert (found.root, found.relative(tmp_path / "link" / "alias.py")) == (root, "alias.py")
    scope = editor.workspaces.scope_of((tmp_path / "link" / "alias.py").as_uri(), "python")
    assert (scope.root, scope.repository) == (root, "link"), "models are told the name that was opened"
    assert editor.workspaces.scope_of((root / "shapes.py").as_uri(), "python").repository == root.name
    (root / "src").mkdir()
    (tmp_path / "part").symlink_to(root / "src")
    scope = editor.workspaces.scope_of((tmp_path / "part" / "new.py").as_uri(), "python")
    assert (scope.root, scope.path, scope.repository) == (root, "src/new.py", "workspace")


def test_a_home_folder_is_indexed_only_on_purpose(
    editor: Editor, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: root)
    project = root / "project"
    project.mkdir()
    assert editor.workspaces.find(root / "main.py") is None
    editor.workspaces.add(root)
    assert editor.workspaces.find(project / "a.py") is None
    editor.workspaces.add(project)
    found = editor.workspaces.find(project / "a.py")
    assert found is not None
    assert found.root == project
    (root / ".codeassist.toml").touch()
    found = editor.workspaces.find(root / "main.py")
    assert found is not None
    assert found.root == root


def test_a_document_without_a_file_belongs_where_its_user_is_at_work(
    editor: Editor, root: Path, tmp_path: Path
) -> None:
    scope_of, add = editor.workspaces.scope_of, editor.workspaces.add
    alone = scope_of("untitled:Untitled-1", "python")
    assert (alone.path, alone.root, alone.has_file, alone.language) == ("Untitled-1.py", None, False, "python")
    (root / "sub").mkdir()
    other = repository(tmp_path / "other")
    add(root / "sub")
    add(other)
    first = scope_of("untitled:Untitled-1", "plaintext")
    assert (first.path, first.root, first.repository) == ("sub/Untitled-1", root, "repo"), "no file is open: the first"
    assert first.language is None and first.file is None and not first.has_file
    editor.open(other / "main.py")
    second = scope_of("untitled:Untitled-1", "vue")
    assert (second.path, second.root, second.language) == ("Untitled-1.vue", other, "vue")
    editor.workspaces.remove(other)
    assert scope_of("untitled:Untitled-1", "vue").root == root
    editor.workspaces.remove(root / "sub")
    assert scope_of("untitled:Untitled-1", "vue").root is None


def test_a_document_that_is_to_be_saved_somewhere_belongs_there(editor: Editor, root: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    editor.workspaces.add(other)
    (root / ".codeassist.toml").write_text("[completion]\nmax_new_tokens = 7\n")
    planned = editor.workspaces.scope_of(f"untitled:{(root / 'bin' / 'new').as_posix()}", "shellscript")
    assert (planned.path, planned.root, planned.language) == ("bin/new", root, "bash")
    assert planned.file is None and planned.has_file
    assert planned.settings_in_force().completion.max_new_tokens == 7
    nowhere = editor.workspaces.scope_of(f"untitled:{(tmp_path / 'new').as_posix()}", "python")
    assert (nowhere.path, nowhere.root) == ("new.py", None)
    for uri in ("git:/repo/a.py", "output:tasks", "untitled://[", "file://", ""):
        assert editor.workspaces.scope_of(uri, "python").root is None, uri


def test_a_cell_belongs_where_its_notebook_does(editor: Editor, root: Path) -> None:
    notebook = (root / "plots" / "first.ipynb").as_uri()
    for cell in (
        editor.workspaces.scope_of(notebook, "python").of_cell(),
        editor.workspaces.scope_of(f"vscode-notebook-cell:{(root / 'plots' / 'first.ipynb').as_posix()}#W0", "python"),
    ):
        assert (cell.path, cell.told_path, cell.root) == ("plots/first.ipynb", "plots/first.py", root)
        assert cell.language == "python" and cell.has_file and cell.file is None, "a cell is not its notebook's text"
    text = editor.workspaces.scope_of(notebook, "markdown").of_cell()
    assert (text.language, text.told_path) == ("markdown", "plots/first.md")
    editor.workspaces.add(root)
    unnamed = editor.workspaces.scope_of("untitled:Untitled-1.ipynb", "python").of_cell()
    assert (unnamed.path, unnamed.told_path) == ("Untitled-1.ipynb", "Untitled-1.py")
    assert unnamed.root == root and not unnamed.has_file


def test_folders_come_and_go(editor: Editor, root: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    (root / "sub").mkdir()
    for folder in (root, root / "sub", other):
        editor.workspaces.add(folder)
    first = editor.open(root / "main.py")
    editor.workspaces.remove(root)
    assert editor.workspaces.find(root / "main.py") is first  # its other folder is still open
    editor.workspaces.remove(root / "sub")
    editor.workspaces.remove(tmp_path / "never added")
    assert [each.root for each in editor.workspaces.all()] == [other]
    again = editor.open(root / "main.py")
    assert again is not first
    assert "polygon_area" in context(again)


def test_visited_repositories_are_closed_again(editor: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_VISITED", 2)
    roots = [repository(tmp_path / f"repo{n}") for n in range(5)]
    editor.workspaces.add(roots[0])
    editor.open(roots[1] / "main.py").document_changed("main.py", "x = 1\n")
    for each in roots[2:]:
        editor.open(each / "main.py")
    assert [each.root for each in editor.workspaces.all()] == [roots[0], roots[1], roots[4]]


def test_two_roots_have_their_own_settings(editor: Editor, root: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "other")
    (root / ".codeassist.toml").write_text("[context]\nmode = 'none'\n[editor]\nmax_lines = 2\n")
    one, two = editor.open(root / "main.py"), editor.open(other / "main.py")
    assert (one.settings_in_force().editor.max_lines, two.settings_in_force().editor.max_lines) == (2, 16)
    assert (context(one), "polygon_area" in context(two)) == ("", True)
    (root / ".codeassist.toml").write_text("[editor]\nmax_lines = 3\n")
    assert "polygon_area" in context(one)
    assert one.settings_in_force().editor.max_lines == 3


def test_what_one_client_excludes_no_other_clients_settings_bring_in(editor: Editor, root: Path) -> None:
    """Both share the database of the repository, as the windows of one server do."""
    (root / "private").mkdir()
    (root / "private" / "areas.py").write_text("def circle_area(radius):\n    return radius\n")
    careful = Configuration(environment=editor.environment)
    careful.set_options({"index": {"exclude": ["private/"]}})
    other = Workspaces(careful, indexes=editor.indexes)
    try:
        first = other.find(root / "main.py")
        assert first is not None
        wait_until(lambda: not first.coverage().is_building)
        second = editor.open(root / "main.py")
        assert "circle_area" in context(second) and "polygon_area" in context(second)
        assert "circle_area" not in context(first) and "polygon_area" in context(first)
        careful.set_options({"index": {"exclude": ["private/", "shapes.py"]}})
        assert "area" not in context(first), "at once, not when the index has caught up"
    finally:
        other.close()


# --- what is indexed


def test_the_index_is_built_in_the_background_and_says_how_far_it_is(editor: Editor, root: Path) -> None:
    for n in range(150):
        (root / f"m{n}.py").write_text(f"def function_{n}(): ...\n")
    found = editor.open(root / "main.py")
    wait_until(lambda: bool(editor.coverage) and not editor.coverage[-1][1].is_building)
    states = [state for where, state in editor.coverage if where == root]
    assert [state.is_building for state in states] == [True] * (len(states) - 1) + [False]
    progress = [state.num_indexed for state in states]
    assert (progress, progress[-1]) == (sorted(progress), 152)
    assert len(states) >= 4
    assert found.coverage() == Coverage(152, 152, is_building=False)
    editor.coverage.clear()
    found.reindex()
    wait_until(lambda: bool(editor.coverage) and not editor.coverage[-1][1].is_building)
    assert editor.coverage[-1][1].num_indexed == 152


def test_an_index_waits_while_the_model_needs_the_cores(editor: Editor, root: Path) -> None:
    is_busy = threading.Event()
    is_busy.set()
    editor.workspaces = Workspaces(editor.configuration, indexes=Indexes(is_busy.is_set))
    found = editor.workspaces.find(root / "main.py")
    assert found is not None
    threading.Event().wait(0.3)
    assert found.coverage() == Coverage(0, 0, is_building=True)
    is_busy.clear()
    wait_until(lambda: not found.coverage().is_building)
    assert found.coverage().num_indexed == 2
    assert "polygon_area" in context(found)


def test_an_edit_is_indexed_when_the_answer_is_there(
    editor: Editor, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_index, "_MOST_HELD_DOCUMENT_S", WAIT_S)
    monkeypatch.setattr(background_index, "_HELD_LOOK_S", 0.01)
    is_answering = threading.Event()
    num_looks: list[bool] = []

    def is_busy() -> bool:
        num_looks.append(is_answering.is_set())
        return is_answering.is_set()

    editor.workspaces = Workspaces(editor.configuration, indexes=Indexes(is_busy))
    found = editor.open(root / "main.py")
    is_answering.set()
    found.document_changed("shapes.py", "def circle_area(radius):\n    return radius\n")
    wait_until(lambda: sum(num_looks) > 3)
    assert "circle_area" not in context(found)
    is_answering.clear()
    wait_until(lambda: "circle_area" in context(found))


def test_unsaved_text_counts_until_the_document_is_closed(editor: Editor, root: Path) -> None:
    found = editor.open(root / "main.py")
    found.document_changed("shapes.py", "def circle_area(radius):\n    return radius\n")
    wait_until(lambda: "circle_area" in context(found))
    assert "polygon_area" not in context(found)
    (root / "shapes.py").write_text("def edge_count(shape):\n    return 4\n")
    (root / "new.py").write_text("def other_name():\n    return shapes.edges\n")
    wait_until(lambda: "other_name" in context(found))  # the watcher has been there
    assert "circle_area" in context(found)
    found.document_closed("shapes.py")
    wait_until(lambda: "edge_count" in context(found))
    assert "circle_area" not in context(found)


def test_unsaved_text_from_before_the_index_was_built_counts(editor: Editor, root: Path) -> None:
    found = editor.workspaces.find(root / "main.py")
    assert found is not None
    found.document_changed("shapes.py", "def circle_area(radius):\n    return radius\n")
    found.document_changed("unsaved.py", "def other_name():\n    return polygon_area\n")
    wait_until(lambda: "circle_area" in context(found) and "other_name" in context(found))
    found.document_closed("unsaved.py")
    wait_until(lambda: "other_name" not in context(found))


def test_files_that_change_on_disk_are_followed(editor: Editor, root: Path) -> None:
    found = editor.open(root / "main.py")
    (root / "more.py").write_text("def other_name():\n    return polygon_area\n")
    wait_until(lambda: "other_name" in context(found))
    (root / "more.py").unlink()
    found.files_changed([root / "more.py", root / "shapes.py"])  # the client's watcher may be the faster one
    wait_until(lambda: "other_name" not in context(found))


def test_catching_up_does_not_wait_for_the_watcher(editor: Editor, root: Path) -> None:
    found = editor.open(root / "main.py")
    found.document_changed("shapes.py", "def circle_area(radius):\n    return radius\n")
    wait_until(lambda: "circle_area" in context(found))
    (root / "more.py").write_text("def other_name():\n    return polygon_area\n")
    index = editor.indexes.find(root, found.settings_in_force())
    assert index is not None
    assert index.catch_up(WAIT_S)
    assert "other_name" in context(found)
    assert "circle_area" in context(found)


def test_two_editors_share_an_index_and_what_each_has_open(editor: Editor, root: Path) -> None:
    other = Workspaces(editor.configuration, lambda root, coverage: None, editor.indexes)
    one, two = editor.open(root / "main.py"), other.find(root / "main.py")
    assert two is not None
    assert len(editor.indexes.all()) == 1
    for each, name in ((one, "circle_area"), (two, "edge_count")):
        each.document_changed("shapes.py", f"def {name}(radius):\n    return radius\n")
        wait_until(lambda name=name: name in context(one) and name in context(two))
    two.document_closed("shapes.py")
    wait_until(lambda: "circle_area" in context(two))
    other.close()
    assert len(editor.indexes.all()) == 1
    one.document_changed("other.py", "def other_name():\n    return polygon_area\n")
    wait_until(lambda: "other_name" in context(one))
    editor.workspaces.close()
    assert editor.indexes.all() == ()


def test_what_is_to_be_indexed_changes_at_run_time(editor: Editor, root: Path) -> None:
    found = editor.open(root / "main.py")
    found.document_changed("unsaved.py", "def other_name():\n    return polygon_area\n")
    wait_until(lambda: "other_name" in context(found))
    editor.configuration.set_options({"index": {"exclude": ["shapes.py", "!nonsense"]}})
    wait_until(lambda: "polygon_area(points)" not in context(found))
    wait_until(lambda: "other_name" in context(found))
    assert len(editor.reported) == 1


def test_a_root_that_goes_away_keeps_its_index(
    editor: Editor, root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_index, "_LOOK_S", 0.1)
    found = editor.open(root / "main.py")
    away = root.with_name("away")
    root.rename(away)
    wait_until(lambda: "is gone" in caplog.text)
    found.document_closed("shapes.py")
    assert "polygon_area" in context(found)
    assert not found.settings_in_force().editor.completion_items
    (away / "more.py").write_text("def other_name():\n    return polygon_area\n")
    away.rename(root)
    wait_until(lambda: "other_name" in context(found))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


def test_a_root_that_is_gone_for_good_can_be_closed(editor: Editor, root: Path) -> None:
    editor.workspaces.add(root)
    shutil.rmtree(root)
    editor.workspaces.remove(root)
    assert editor.workspaces.all() == ()


# --- two servers

SERVER = """
import sys
from pathlib import Path
from codeassist.request import CompletionRequest
from codeassist_lsp.workspace.configuration import Configuration
from codeassist_lsp.workspace.indexes import Indexes
from codeassist_lsp.workspace.workspaces import Workspaces

name, root = sys.argv[1], Path(sys.argv[2])
indexes = Indexes()
workspaces = Workspaces(Configuration(), indexes=indexes)
found = workspaces.find(root / "main.py")
index = indexes.find(root, found.settings_in_force())
print("open", flush=True)
for line in sys.stdin:
    word, _, path = line.strip().partition(" ")
    if word == "edit":
        for n in range(20):
            found.document_changed(path, f"def {name}_{n}(): ...\\n")
    elif word == "catch":
        assert index.catch_up(60)
    elif word == "reindex":
        found.reindex()
    elif word == "find":
        request = CompletionRequest("main.py", f"import shapes\\n\\n{path}(", "")
        print(sum(path in snippet.text for snippet in found.retriever.retrieve(request, 4000).snippets), flush=True)
        continue
    print(word, flush=True)
workspaces.close()
"""


class Server:
    """A process of its own that holds a workspace of `root`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def server(name: str, root: Path, environment: dict[str, str]) -> Iterator[Server]:
    path = ":".join(str(Path(__file__).parents[3] / part) for part in (".", "indexer", "lsp"))
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, name, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": path, **environment},
    )
    try:
        yield Server(process)
        _, err = process.communicate(timeout=WAIT_S)
        assert (process.returncode, err) == (0, "")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_two_servers_share_one_repository(editor: Editor, root: Path) -> None:
    for n in range(100):
        (root / f"m{n}.py").write_text(f"def function_{n}(): ...\n" * 10)
    with server("one", root, editor.environment) as one, server("two", root, editor.environment) as two:
        assert (one.answer(), two.answer()) == ("open", "open")
        assert (one.ask("catch"), two.ask("catch")) == ("catch", "catch")
        assert (one.ask("edit one.py"), two.ask("edit two.py")) == ("edit", "edit")
        wait_until(lambda: one.ask("find two_19") != "0" and two.ask("find one_19") != "0")
        assert (one.ask("reindex"), two.ask("edit three.py")) == ("reindex", "edit")
        wait_until(lambda: two.ask("find polygon_area") != "0" and one.ask("find polygon_area") != "0")
        (root / "late.py").write_text("def late_name(): ...\n")
        wait_until(lambda: one.ask("find late_name") != "0" and two.ask("find late_name") != "0")


# --- its commits


@pytest.mark.parametrize("mode", ["automatic", "manual", "off"])
def test_commits_are_read_ahead_where_next_edits_may_come(
    editor: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    with (editor.home / "config.toml").open("a") as file:
        file.write(f'[edits]\nmode = "{mode}"\n')
    looked: list[CommitHistory] = []
    look = CommitHistory.look
    monkeypatch.setattr(CommitHistory, "look", lambda self: (looked.append(self), look(self)))
    root = tmp_path / "repo"
    commit_files(root, {"a.py": "x = 1\n"})
    commit_files(root, {"a.py": "x = 2\n", "b.py": "y = 1\n"})
    workspace = editor.open(root / "a.py")
    if mode != "off":
        wait_until(lambda: bool(looked))
        assert looked[0].wait(WAIT_S).with_files(["a.py"]) == {"b.py": 1}
    editor.workspaces.close()  # ends the threads that tell
    assert bool(looked) == (mode != "off")
    assert workspace.committed_together().with_files(["a.py"]) == ({} if mode == "off" else {"b.py": 1})
