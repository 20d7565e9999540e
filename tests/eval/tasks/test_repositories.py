"""Repositories of tasks: folders and archives, safely unpacked once, and what is missing named."""

from __future__ import annotations

import io
import tarfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from codeassist.request import CompletionRequest, Retrieval, Snippet
from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.contexts.registry import SealedRetriever, open_contexts
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.repositories import open_repositories, read_source
from codeassist_eval.tasks.task import Task
from tests.eval.bench_data import bench_file
from tests.eval.fakes import NOBODY, demo_repository, row, write_rows


def pack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive, "w:xz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return archive


def one_task(tmp_path: Path, **changes: str) -> Task:
    return load_tasks(write_rows(tmp_path / "tasks.jsonl", [row(**changes)]))[0]


def enter(context: AbstractContextManager[object]) -> None:
    with context:
        pass


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    archive = pack(tmp_path / "repos.tar.xz", demo_repository(tmp_path / "repos"))

    first = open_repositories(archive, tmp_path / "cache")
    marker = first.root / "demo" / "marker"
    marker.touch()
    second = open_repositories(archive, tmp_path / "cache")

    assert marker.exists() and second == first
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [first.root.name]
    assert first.folder(one_task(tmp_path)) == first.root / "demo"


def test_the_official_layout_by_language(tmp_path: Path) -> None:
    demo_repository(tmp_path / "repos" / "python")

    repositories = open_repositories(tmp_path / "repos", tmp_path / "cache")

    assert repositories.folder(one_task(tmp_path)) == tmp_path / "repos" / "python" / "demo"


@pytest.mark.parametrize("name", ["gone", "../outside"])
def test_a_missing_repository_names_the_task(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").mkdir()
    repositories = open_repositories(demo_repository(tmp_path / "repos"), tmp_path / "cache")
    task = one_task(tmp_path, metadata__repository=name)

    with pytest.raises(EvaluationError, match=f"task demo/0: repository '{name}' is not in"):
        enter(open_contexts("bm25", [task], repositories, tmp_path / "cache", NOBODY))


def evil(archive: Path, member: tarfile.TarInfo, content: bytes = b"") -> Path:
    member.size = len(content)
    with tarfile.open(archive, "w:xz") as tar:
        tar.addfile(member, io.BytesIO(content))
    return archive


def link_to(target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo("demo/link")
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize("member", [tarfile.TarInfo("../escaped"), link_to("/etc"), link_to("../../..")])
def test_unsafe_archives_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    archive = evil(tmp_path / "evil.tar.xz", member)

    with pytest.raises(EvaluationError, match="unsafe member, not unpacked"):
        open_repositories(archive, tmp_path / "cache")

    assert not (tmp_path / "escaped").exists()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("keep", [0, 10, 0.5])
def test_torn_archives_are_refused(tmp_path: Path, keep: float) -> None:
    archive = pack(tmp_path / "repos.tar.xz", demo_repository(tmp_path / "repos"))
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])

    with pytest.raises(EvaluationError, match="not a complete tar archive"):
        open_repositories(archive, tmp_path / "cache")

    assert list((tmp_path / "cache").iterdir()) == []


def test_no_such_source(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no such folder or archive"):
        open_repositories(tmp_path / "nothing", tmp_path / "cache")


def test_sources_are_read_without_links_and_with_bad_bytes(tmp_path: Path) -> None:
    demo = demo_repository(tmp_path / "repos") / "demo"
    (demo / "bad.py").write_bytes(b"name = '\xff'\n")
    (demo / "link.py").symlink_to(demo / "main.py")
    (demo / "notes.txt").write_text("no code")

    assert list(read_source(demo, (".py",))) == ["bad.py", "main.py", "shapes.py"]
    assert read_source(demo, (".py",))["bad.py"] == "name = '\ufffd'\n"


def test_contexts_that_need_repositories_say_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"--context full needs the repositories.*--repos"):
        enter(open_contexts("full", [one_task(tmp_path)], None, tmp_path, NOBODY))
    with pytest.raises(EvaluationError, match="no task came with cross-file context"):
        enter(open_contexts("provided", [one_task(tmp_path)], None, tmp_path, NOBODY))


def test_a_retriever_that_leaks_the_target_file_stops_the_run(tmp_path: Path) -> None:
    task = one_task(tmp_path)

    class Leaking:
        def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
            return Retrieval((Snippet("main.py", "print(area(2, 3))", 3, 4, "bm25", 1.0, ""),))

    with pytest.raises(EvaluationError, match=r"task demo/0: source 'bm25' gave lines 3-4 of main\.py.*void"):
        SealedRetriever(Leaking(), task).retrieve(CompletionRequest("main.py", "", ""), 100)


def test_real_archive_holds_every_task(tmp_path: Path) -> None:
    tasks = load_tasks(bench_file("fresh/dev.jsonl"))

    repositories = open_repositories(bench_file("fresh/dev_repos.tar.xz"), tmp_path / "cache")

    for task in tasks:
        assert (repositories.folder(task) / task.path).is_file()
