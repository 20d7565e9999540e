"""The second look after a suggestion: what it serves, what makes it stale, and that a failure costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from codeassist.request import CompletionRequest, Retrieval, Snippet
from codeassist_lsp.completion.second_look import Draft, LookCounts, SecondLook
from codeassist_lsp.completion.shared_document import SharedDocuments
from tests.end_to_end.conftest import Program
from tests.lsp.conftest import editor_for
from tests.lsp.editor import Editor, within

BEFORE = CompletionRequest("a.py", "x = ", "]\ny = 1\n")
DRAFT = Draft(BEFORE, "area(points)", 1, 400)


@dataclass
class Asked:
    """A retriever that finds what it was asked for last, and remembers all."""

    prefixes: list[str] = field(default_factory=list)

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        self.prefixes.append(request.prefix)
        snippet = Snippet("b.py", request.prefix, 1, 2, "bm25", 1.0, "")
        return Retrieval((snippet,), {"bm25": 1.0}, ("folder",))


class Broken:
    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        raise OSError("the disk is gone")


@pytest.fixture
def submit() -> Iterator[Callable[[Callable[[], None]], Future[None]]]:
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit


def looks_with(submit: Callable[[Callable[[], None]], Future[None]], retriever: object = None) -> SecondLook:
    looks = SecondLook(submit, LookCounts())
    looks.begin(DRAFT, retriever or Asked(), lambda: (1,))  # type: ignore[arg-type]
    submit(lambda: None).result()
    return looks


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        ("x = ", "]\ny = 1\n"),  # the same place
        ("x = area(", "]\ny = 1\n"),  # some of it typed
        ("x = area(points)", "]\ny = 1\n"),
        ("x = area(points)", "\ny = 1\n"),  # taken, in the place of the bracket
    ],
)
def test_serves_who_types_along(submit: Callable[[Callable[[], None]], Future[None]], prefix: str, suffix: str) -> None:
    looks, plain = looks_with(submit), Asked()
    found = looks.over(plain, (1,)).retrieve(CompletionRequest("a.py", prefix, suffix), 400)
    assert found.snippets[0].text == "x = area(points)", "what was found with the draft in its place"
    assert found.late_sources == ("folder",) and plain.prefixes == []
    assert (looks.counts.num_made, looks.counts.num_used) == (1, 1)


@pytest.mark.parametrize(
    ("path", "prefix", "suffix", "max_chars"),
    [
        ("b.py", "x = ", "]\ny = 1\n", 400),
        ("a.py", "x = b", "]\ny = 1\n", 400),  # something else was typed
        ("a.py", "x =", "]\ny = 1\n", 400),  # something was deleted
        ("a.py", "x = area(points) + 1", "]\ny = 1\n", 400),
        ("a.py", "x = area(", "]\ny = 2\n", 400),
        ("a.py", "x = area(", "]\ny = 1\n", 399),  # there is less room
    ],
)
def test_asks_again_for_anything_else(
    submit: Callable[[Callable[[], None]], Future[None]], path: str, prefix: str, suffix: str, max_chars: int
) -> None:
    looks, plain = looks_with(submit), Asked()
    looks.over(plain, (1,)).retrieve(CompletionRequest(path, prefix, suffix), max_chars)
    assert plain.prefixes == [prefix] and looks.counts.num_used == 0


def test_is_stale_once_the_index_has_changed(
    submit: Callable[[Callable[[], None]], Future[None]],
) -> None:
    looks, plain = looks_with(submit), Asked()
    assert looks.over(plain, (2,)) is plain
    assert looks.over(plain, None) is plain, "nobody knows"
    assert looks.over(plain, (1,), "other settings") is plain
    looks.begin(DRAFT, Asked(), lambda: (2,))  # the same draft, after the index has changed
    submit(lambda: None).result()
    assert looks.over(plain, (2,)) is not plain and looks.over(plain, (1,)) is plain


def test_failing_costs_nothing(
    submit: Callable[[Callable[[], None]], Future[None]], caplog: pytest.LogCaptureFixture
) -> None:
    plain = Asked()
    assert looks_with(submit, Broken()).over(plain, (1,)) is plain
    assert "no second look for a.py" in caplog.text


def test_looks_once_and_is_gone_with_its_document(submit: Callable[[Callable[[], None]], Future[None]]) -> None:
    closed: list[str] = []
    documents, asked = SharedDocuments(submit, closed.append), Asked()
    one, again = documents.open("doc"), documents.open("doc")
    assert one is again and documents.open("other") is not one
    for _ in range(2):  # the second time it is ready
        one.second_look.begin(DRAFT, asked, lambda: (1,))
        submit(lambda: None).result()
    assert documents.look_counts.num_made == 1 and len(asked.prefixes) == 1
    assert one.second_look.over(asked, (1,)) is not asked
    assert documents.open("other").second_look.over(asked, (1,)) is asked
    documents.release(one)
    assert documents.open("doc") is one, "another window has it open"
    documents.release(one)
    documents.release(again)
    assert closed == ["doc"] and documents.open("doc").second_look.over(asked, (1,)) is asked


def test_in_a_server_idle_time_has_it_ready(program: Program) -> None:
    async def test() -> None:
        options = {"editor": {"debounce_ms": 0}, "context": {"rounds": 2}}
        editor = await editor_for(program).start(options)
        await editor.ready()
        editor.open("again.py", "#say points\nx = \n")
        assert [item.insert_text for item in await editor.ask("again.py", 1, 4)] == ["points"]
        while (await looks(editor))["made"] < 1:
            await asyncio.sleep(0.02)
        editor.edit("again.py", (1, 4), (1, 4), "points")
        await editor.ask("again.py", 1, 10)
        assert (await looks(editor))["used"] == 1
        code, errors = await editor.stop()
        assert code == 0 and not errors, errors

    async def looks(editor: Editor) -> dict[str, int]:
        return (await editor.run("codeassist.status"))["second_looks"]

    asyncio.run(within(test()))
