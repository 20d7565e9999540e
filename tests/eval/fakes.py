"""Fakes for the runner's tests: task rows, a completer without a model, a tiny repository."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from codeassist.completion.pipeline import Job
from codeassist.errors import CodeAssistError
from codeassist.request import Completion, CompletionRequest, Retriever, Trace, UsedSnippet

Answer = Callable[[CompletionRequest], str]


def row(task_id: str = "demo/0", **changes: Any) -> dict[str, Any]:
    """A CrossCodeEval row; `changes` replace its fields, `metadata__file` those of its metadata."""
    made: dict[str, Any] = {
        "prompt": "from shapes import area\n\nprint(",
        "groundtruth": "area(2, 3))",
        "right_context": "\n",
        "metadata": {"task_id": task_id, "repository": "demo", "file": "main.py"},
    }
    for name, value in changes.items():
        if name.startswith("metadata__"):
            made["metadata"][name.removeprefix("metadata__")] = value
        else:
            made[name] = value
    return made


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


def demo_repository(folder: Path) -> Path:
    """A repository `demo` whose main.py uses shapes.py; returns the folder that holds it."""
    demo = folder / "demo"
    demo.mkdir(parents=True)
    (demo / "main.py").write_text("from shapes import area\n\nprint(area(2, 3))\n", encoding="utf-8")
    (demo / "shapes.py").write_text("def area(width, height):\n    return width * height\n", encoding="utf-8")
    return folder


class FakeCompleter:
    """Answers what `answer` says and uses every snippet that it is given."""

    num_parallel = 1

    def __init__(self, answer: Answer, clock: Callable[[], float] = perf_counter) -> None:
        self._answer = answer
        self._clock = clock
        self.requests: list[CompletionRequest] = []

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        started = self._clock()
        self.requests.append(request)
        found = retriever.retrieve(request, max_chars=2000)
        text = self._answer(request)
        return Completion(
            text=text,
            raw_text=text,
            finish_reason="eos",
            model="fake",
            snippets=[UsedSnippet(snippet, len(snippet.text.split())) for snippet in found.snippets],
            trace=Trace(
                stage_ms={"decode": 1.0, **found.stage_ms, "total": (self._clock() - started) * 1e3},
                num_prompt_tokens=len(request.prefix.split()),
                num_new_tokens=len(text.split()),
            ),
        )

    def completions(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Completion | CodeAssistError]]:
        for job in jobs:
            try:
                yield job, self.complete(job.request, job.retriever)
            except CodeAssistError as error:
                yield job, error


def _unasked(request: CompletionRequest) -> str:
    raise AssertionError("nobody should have been asked to complete")


NOBODY = FakeCompleter(_unasked)
