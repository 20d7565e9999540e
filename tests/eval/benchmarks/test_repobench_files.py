"""RepoBench's files: parquet and JSON lines of its schema from real repositories, filters, and the hub."""

from __future__ import annotations

import ast
import hashlib
import http.server
import json
import random
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from codeassist.errors import CodeAssistError
from codeassist.models import model_choice
from codeassist.models.registry import InstalledModel
from codeassist_eval.benchmarks import task_source
from codeassist_eval.benchmarks.crosscodeeval import load_tasks as load_crosscodeeval
from codeassist_eval.benchmarks.repobench import LEVELS, SETTINGS, load_tasks
from codeassist_eval.benchmarks.repobench_hub import HubTasks, fetch, parse_hub
from codeassist_eval.cli import experiment
from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.engines import local_engine
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.repositories import open_repositories, read_source
from codeassist_eval.tasks.row_filter import RowFilter
from tests.eval.bench_data import bench_file
from tests.eval.fakes import FakeCompleter, write_rows

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

# The features of tianyang/repobench_python_v1.1, as its card lists them.
SCHEMA = pyarrow.schema(
    [
        ("repo_name", pyarrow.string()),
        ("file_path", pyarrow.string()),
        (
            "context",
            pyarrow.list_(
                pyarrow.struct(
                    [("identifier", pyarrow.string()), ("path", pyarrow.string()), ("snippet", pyarrow.string())]
                )
            ),
        ),
        ("import_statement", pyarrow.string()),
        ("token_num", pyarrow.int64()),
        ("cropped_code", pyarrow.string()),
        ("all_code", pyarrow.string()),
        ("next_line", pyarrow.string()),
        ("gold_snippet_index", pyarrow.int64()),
        ("created_at", pyarrow.string()),
        ("level", pyarrow.string()),
    ]
)
_LEVEL_TOKENS = (2_000, 4_000, 8_000, 12_000, 16_000, 24_000, 32_000, 64_000, 128_000)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Rows of each setting, from real Python files: where a definition of another file is used, first or again."""
    cache = tmp_path_factory.mktemp("repositories")
    repositories = open_repositories(bench_file("fresh/dev_repos.tar.xz"), cache)
    tasks = load_crosscodeeval(bench_file("fresh/dev.jsonl"))
    chooser = random.Random(7)
    found: dict[str, list[dict[str, Any]]] = {setting: [] for setting in SETTINGS}
    for name in sorted({task.repository for task in tasks})[:4]:
        folder = repositories.folder(next(task for task in tasks if task.repository == name))
        sources = read_source(folder, (".py",))
        snippets = definitions(sources)
        for path, text in sources.items():
            lines = text.split("\n")
            uses = cross_file_uses(path, lines, snippets)
            for setting, chosen in (("cross_file_first", uses[:1]), ("cross_file_random", uses[1:2])):
                for number, identifier in chosen:
                    found[setting].append(made(name, path, lines, number, identifier, snippets, chooser))
            plain = [n for n, line in enumerate(lines) if n > 20 and line.strip() and n not in dict(uses)]
            if plain and uses:
                found["in_file"].append(made(name, path, lines, plain[0], None, snippets, chooser))
    assert all(len(of_setting) >= 6 for of_setting in found.values())
    return {setting: of_setting[:12] for setting, of_setting in found.items()}


def definitions(sources: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Path and text of each top-level definition, by its name."""
    snippets: dict[str, tuple[str, str]] = {}
    for path, text in sources.items():
        try:
            body = ast.parse(text).body
        except SyntaxError:
            continue
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and len(node.name) > 4:
                snippets[node.name] = path, ast.get_source_segment(text, node) or ""
    return snippets


def cross_file_uses(path: str, lines: list[str], snippets: dict[str, tuple[str, str]]) -> list[tuple[int, str]]:
    imported = {
        name
        for line in lines
        if line.startswith("from ") and " import " in line
        for name in re.findall(r"\w+", line.partition(" import ")[2])
        if name in snippets and snippets[name][0] != path
    }
    return [
        (number, name)
        for number, line in enumerate(lines)
        if not line.startswith(("from ", "import "))
        for name in re.findall(r"\w+", line)
        if name in imported
    ]


def made(
    repository: str,
    path: str,
    lines: list[str],
    number: int,
    identifier: str | None,
    snippets: dict[str, tuple[str, str]],
    chooser: random.Random,
) -> dict[str, Any]:
    names = chooser.sample([name for name in snippets if name != identifier], 7)
    if identifier is not None:
        names.insert(chooser.randrange(len(names)), identifier)
    context = [{"identifier": n, "path": snippets[n][0], "snippet": snippets[n][1]} for n in names]
    imports = "\n".join(line for line in lines[:number] if line.startswith(("import ", "from ")))
    code = "\n".join(lines[:number])
    tokens = (len(imports) + len(code) + sum(len(item["snippet"]) for item in context)) // 4
    return {
        "repo_name": repository,
        "file_path": path,
        "context": context,
        "import_statement": imports,
        "token_num": tokens,
        "cropped_code": "\n".join(lines[max(0, number - 120) : number]),
        "all_code": code,
        "next_line": lines[number],
        "gold_snippet_index": names.index(identifier) if identifier is not None else -1,
        "created_at": f"2023-1{chooser.randrange(3)}-{chooser.randrange(10, 29)} 08:30:00+00:00",
        "level": next(level for level, most in zip(LEVELS, _LEVEL_TOKENS, strict=True) if tokens <= most),
    }


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=SCHEMA), path)
    return path


@pytest.mark.parametrize("setting", SETTINGS)
def test_parquet_and_json_lines_give_the_same_tasks(rows: Any, tmp_path: Path, setting: str) -> None:
    from_lines = load_tasks(write_rows(tmp_path / f"{setting}.jsonl", rows[setting]))
    half = len(rows[setting]) // 2
    for number, part in enumerate((rows[setting][:half], rows[setting][half:])):
        write_parquet(tmp_path / setting / f"{setting}-0000{number}-of-00002.parquet", part)

    from_parquet = load_tasks(tmp_path / setting)

    assert from_parquet == from_lines
    assert [task.task_id for task in from_lines] == [f"{setting}/{n}" for n in range(len(rows[setting]))]
    for task, one in zip(from_lines, rows[setting], strict=True):
        assert task.groundtruth == one["next_line"] and task.prefix.endswith(one["cropped_code"] + "\n")
        assert (task.gold_snippet is None) == (setting == "in_file")
        if task.gold_snippet is not None:
            assert re.search(r"\b(def|class) \w+", task.provided[task.gold_snippet].text)


def test_dates_that_are_stored_as_times(rows: Any, tmp_path: Path) -> None:
    of_setting = [{**one, "created_at": datetime.fromisoformat(one["created_at"])} for one in rows["in_file"]]
    schema = SCHEMA.set(
        SCHEMA.get_field_index("created_at"), pyarrow.field("created_at", pyarrow.timestamp("us", "UTC"))
    )
    parquet.write_table(pyarrow.Table.from_pylist(of_setting, schema=schema), tmp_path / "in_file.parquet")

    assert load_tasks(tmp_path / "in_file.parquet") == load_tasks(
        write_rows(tmp_path / "in_file.jsonl", rows["in_file"])
    )


def test_bad_dates_and_bad_parquet(rows: Any, tmp_path: Path) -> None:
    bad = write_rows(
        tmp_path / "in_file.jsonl", [rows["in_file"][0], {**rows["in_file"][1], "created_at": "yesterday"}]
    )
    with pytest.raises(EvaluationError, match="line 2: field 'created_at' is 'yesterday', expected a date"):
        load_tasks(bad)
    path = write_parquet(tmp_path / "in_file.parquet", rows["in_file"])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(EvaluationError, match=r"in_file\.parquet: cannot be read as parquet"):
        load_tasks(path)
    without = [{name: value for name, value in one.items() if name != "next_line"} for one in rows["in_file"]]
    parquet.write_table(pyarrow.Table.from_pylist(without), tmp_path / "in_file.parquet")
    with pytest.raises(EvaluationError, match="line 1: field 'next_line' is missing"):
        load_tasks(tmp_path / "in_file.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvaluationError, match="holds no rows"):
        load_tasks(tmp_path / "empty")


def test_filters_keep_what_the_official_runner_keeps(rows: Any, tmp_path: Path) -> None:
    of_setting = [dict(one) for setting in SETTINGS for one in rows[setting]]
    of_setting[0]["created_at"] = "2023-12-31 00:00:00+00:00"
    of_setting[1]["created_at"] = "2023-12-31 00:00:01+00:00"  # on the last day, but after its first moment
    of_setting[2]["created_at"] = "2023-12-01T01:00:00+02:00"  # still November in UTC
    tasks = load_tasks(write_rows(tmp_path / "in_file.jsonl", of_setting))
    levels = {of_setting[0]["level"], of_setting[5]["level"]}

    left = RowFilter(datetime(2023, 12, 1), datetime(2023, 12, 31), tuple(levels))(tasks)

    def officially(one: dict[str, Any]) -> bool:  # as run.py: pandas compares Timestamps in UTC
        at = datetime.fromisoformat(one["created_at"]).timestamp()
        first, last = (datetime.fromisoformat(f"2023-12-{day}T00:00:00+00:00").timestamp() for day in ("01", "31"))
        return first <= at <= last and one["level"] in levels

    assert [task.task_id for task in left] == [f"in_file/{n}" for n, one in enumerate(of_setting) if officially(one)]
    assert tasks[0] in left and tasks[1] not in left and tasks[2] not in left
    assert RowFilter()(tasks) is tasks
    with pytest.raises(EvaluationError, match="none of the"):
        RowFilter(created_from=datetime(2030, 1, 1))(tasks)
    with pytest.raises(EvaluationError, match="does not say when it was created"):
        RowFilter(created_from=datetime(2023, 1, 1))([*load_crosscodeeval(bench_file("fresh/dev.jsonl"))])


@pytest.fixture
def fake_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCompleter:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)
    model = InstalledModel("fake", tmp_path / "model.gguf", "0" * 64, "gguf")
    completer = FakeCompleter(lambda request: "# first\nreturn 1\n")
    monkeypatch.setattr(model_choice, "find_installed", lambda name, settings, progress: model)
    monkeypatch.setattr(local_engine.LocalEngine, "open", lambda engine, progress: completer)
    monkeypatch.setattr(experiment, "write_report", lambda path, runs: None)
    return completer


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(eval_group, [str(argument) for argument in arguments])


def test_a_run_over_a_folder_of_parquet(rows: Any, tmp_path: Path, fake_engine: FakeCompleter) -> None:
    folder = write_parquet(tmp_path / "cross_file_first" / "a.parquet", rows["cross_file_first"]).parent
    level = rows["cross_file_first"][0]["level"]
    arguments = (
        "run", "--benchmark", "repobench", "--tasks", folder, "--level", level, "--created-from", "2023-01-01",
        "--model", "fake", "--context", "bm25", "--out", tmp_path / "out", "--json",
    )  # fmt: skip

    result = invoke(*arguments)

    assert result.exit_code == 0, result.output
    metrics = json.loads(result.stdout)
    assert metrics["n"] == sum(one["level"] == level for one in rows["cross_file_first"])
    assert list(metrics["by_kind"]) == [level]
    assert (
        metrics["retrieval"]["accuracy@1"] <= metrics["retrieval"]["accuracy@3"] <= metrics["retrieval"]["accuracy@5"]
    )
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["filter"] == {"created_from": "2023-01-01", "created_to": None, "levels": [level]}
    assert "its filter was" in str(invoke(*arguments, "--level", "128k").exception)


def test_official_predictions_are_numbered_behind_the_filters(rows: Any, tmp_path: Path) -> None:
    of_setting = rows["cross_file_random"]
    tasks = write_rows(tmp_path / "cross_file_random.jsonl", of_setting)
    level = of_setting[-1]["level"]
    kept = [one for one in of_setting if one["level"] == level]
    official = [
        {"idx": n, "level": level, "pred": one["next_line"], "gt": one["next_line"]} for n, one in enumerate(kept)
    ]
    theirs = write_rows(tmp_path / "theirs.jsonl", official)
    score = ("score", "--benchmark", "repobench", "--tasks", tasks, "--predictions", theirs, "--json")

    result = invoke(*score, "--level", level)

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["em"] == 100
    wrong = write_rows(tmp_path / "wrong.jsonl", [{**official[0], "gt": "another"}])
    with pytest.raises(EvaluationError, match="'gt' is not the next line"):
        raise invoke(*score[:-3], "--predictions", wrong).exception or AssertionError
    beyond = write_rows(tmp_path / "beyond.jsonl", [{**official[0], "idx": 5000}])
    with pytest.raises(EvaluationError, match="'idx' is 5000, but there are"):
        raise invoke(*score[:-3], "--predictions", beyond).exception or AssertionError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hub:python/in_file", HubTasks("tianyang/repobench_python_v1.1", "in_file")),
        ("hub:java/cross_file_first@abc", HubTasks("tianyang/repobench_java_v1.1", "cross_file_first", "abc")),
        ("hub:me/mine/cross_file_random", HubTasks("me/mine", "cross_file_random")),
        ("tasks/in_file.jsonl", None),
    ],
)
def test_names_on_the_hub(text: str, said: HubTasks | None) -> None:
    assert parse_hub(text) == said


@pytest.mark.parametrize(
    "text", ["hub:python", "hub:ruby/in_file", "hub:a/../in_file", "hub:python/in_file@a/b", "hub:"]
)
def test_wrong_names_on_the_hub(text: str) -> None:
    with pytest.raises(EvaluationError, match="--tasks hub:"):
        parse_hub(text)


@dataclass
class Hub:
    """A hub with one dataset, over HTTP on this machine."""

    files: dict[str, bytes]
    commit: str = "c" * 40
    num_downloads: int = 0
    wrong_hash: bool = False
    endpoint: str = field(default="")

    def listing(self) -> bytes:
        siblings = []
        for name, content in self.files.items():
            digest = "0" * 64 if self.wrong_hash else hashlib.sha256(content).hexdigest()
            lfs = {"size": len(content), "sha256": digest, "pointerSize": 130}
            siblings.append({"rfilename": name, "size": len(content), "blobId": "b" * 40, "lfs": lfs})
        return json.dumps({"id": "me/mine", "sha": self.commit, "siblings": siblings, "tags": []}).encode()


@pytest.fixture
def hub(rows: Any, tmp_path: Path) -> Iterator[Hub]:
    files = {"README.md": b"card"}
    for setting in SETTINGS:
        for number in range(2):
            path = write_parquet(tmp_path / "made" / "x.parquet", rows[setting][number::2])
            files[f"data/{setting}-0000{number}-of-00002.parquet"] = path.read_bytes()
    served = Hub(files)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, with_body: bool) -> None:
            name = self.path.partition(f"/datasets/me/mine/resolve/{served.commit}/")[2]
            if self.path.startswith("/api/datasets/me/mine"):
                body, headers = served.listing(), {"Content-Type": "application/json"}
            elif name in served.files:
                body = served.files[name]
                served.num_downloads += with_body
                headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": served.commit}
            else:
                body, headers = b"", {"X-Error-Code": "RepoNotFound"}
            self.send_response(200 if body else 404)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    served.endpoint = f"http://127.0.0.1:{server.server_port}"
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_setting_is_fetched_once_and_read(hub: Hub, rows: Any, tmp_path: Path) -> None:
    source = HubTasks("me/mine", "cross_file_random")

    folder = fetch(source, tmp_path / "hub", hub.endpoint)

    assert folder == tmp_path / "hub" / "me--mine" / hub.commit / "cross_file_random"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"cross_file_random-0000{n}-of-00002.parquet" for n in range(2)
    ]
    tasks = load_tasks(folder)
    assert len(tasks) == len(rows["cross_file_random"]) and tasks[0].task_id == "cross_file_random/0"
    assert fetch(source, tmp_path / "hub", hub.endpoint) == folder
    assert hub.num_downloads == 2


def test_without_the_hub_what_was_fetched_last_is_used(hub: Hub, tmp_path: Path) -> None:
    source = HubTasks("me/mine", "in_file")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(EvaluationError, match=r"hub dataset me/mine: cannot be reached .* --tasks"):
            fetch(source, tmp_path / "hub", nobody)
        folder = fetch(source, tmp_path / "hub", hub.endpoint)

        assert fetch(source, tmp_path / "hub", nobody) == folder


def test_what_the_hub_has_not_and_what_came_wrong(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no such dataset"):
        fetch(HubTasks("me/other", "in_file"), tmp_path / "hub", hub.endpoint)
    hub.wrong_hash = True
    with pytest.raises(EvaluationError, match="is not what the hub lists; it was removed"):
        fetch(HubTasks("me/mine", "in_file"), tmp_path / "hub", hub.endpoint)
    hub.wrong_hash = False
    del hub.files["data/in_file-00000-of-00002.parquet"], hub.files["data/in_file-00001-of-00002.parquet"]
    with pytest.raises(EvaluationError, match=r"has no data/in_file-\*\.parquet"):
        fetch(HubTasks("me/mine", "in_file"), tmp_path / "hub", hub.endpoint)
    assert not list((tmp_path / "hub").rglob("*.parquet"))


def test_the_command_fetches(
    hub: Hub, rows: Any, tmp_path: Path, fake_engine: FakeCompleter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_source, "fetch", lambda source, cache: fetch(source, cache, hub.endpoint))
    arguments = ("run", "--model", "fake", "--context", "provided", "--tasks", "hub:me/mine/in_file", "--out")

    result = invoke(*arguments, tmp_path / "out", "--benchmark", "repobench", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["n"] == len(rows["in_file"])
    other = invoke(*arguments, tmp_path / "other").exception
    assert isinstance(other, CodeAssistError) and "only RepoBench's tasks are fetched" in str(other)
