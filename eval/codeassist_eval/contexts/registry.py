"""Where a task's cross-file context comes from: one retriever a task, by the name of `--context`.

Whatever the source, a snippet from the file that is being completed stops the run: it could hold the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from codeassist.completion.iterative_retrieval import IterativeRetriever
from codeassist.request import CompletionRequest, NoRetriever, Retrieval, Retriever
from codeassist_eval.contexts.baselines import (
    QUERY_LINES,
    ProvidedRetriever,
    Ranker,
    WindowRetriever,
    bm25_scores,
    jaccard_scores,
)
from codeassist_eval.contexts.rankers import Rankers
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.completer import Completer
from codeassist_eval.tasks.repositories import Repositories, read_source
from codeassist_eval.tasks.task import SUFFIXES, Task
from codeassist_eval.tasks.windows import WINDOW_LINES, Window, disjoint_windows, sliding_windows, snippet_windows

ContextName = Literal["none", "provided", "bm25", "jaccard", "repocoder", "oracle", "lexical", "full", "learned"]
CONTEXTS: tuple[ContextName, ...] = get_args(ContextName)

RetrieverFor = Callable[[Task], Retriever]

# Of the repositories seen last, so that tasks of one repository, which follow each other, read it once.
_KEPT_REPOSITORIES = 2


@dataclass(frozen=True, slots=True)
class SealedRetriever:
    """Lets nothing through from the file whose truth is asked for."""

    inner: Retriever
    task: Task

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return what the inner retriever finds; raise `EvaluationError` if the target file is among it."""
        found = self.inner.retrieve(request, max_chars)
        leak = next((snippet for snippet in found.snippets if snippet.path == self.task.path), None)
        if leak is not None:
            raise EvaluationError(
                f"task {self.task.task_id}: source '{leak.source}' gave lines {leak.start_line}-{leak.end_line} of "
                f"{leak.path}, the file being completed: the truth may have leaked, so the run is void"
            )
        return found


@contextmanager
def open_contexts(
    name: ContextName,
    tasks: Sequence[Task],
    repositories: Repositories | None,
    index_cache: Path,
    completer: Completer,
    rankers: Rankers | None = None,
) -> Iterator[RetrieverFor]:
    """Give the function that gives each task its retriever; raise if what the context needs is not there.

    `completer` makes the first guess of RepoCoder's iteration, `rankers` choose for "learned"; nothing else uses them.
    """
    if name == "none":
        yield lambda task: NoRetriever()
    elif name == "provided":
        _require_provided(tasks)
        yield lambda task: SealedRetriever(ProvidedRetriever(task.provided), task)
    elif name == "lexical" or name == "full" or name == "learned":
        from codeassist_eval.contexts.index_context import IndexContexts  # the baselines do without our index

        with closing(
            IndexContexts(
                _required(name, repositories, tasks),
                index_cache,
                name,
                rankers,
                rankers is not None and rankers.sees_libraries,
            )
        ) as contexts:
            yield lambda task: SealedRetriever(contexts.retriever(task), task)
    else:
        yield _ranked(name, tasks, repositories, completer)


def _ranked(
    name: ContextName, tasks: Sequence[Task], repositories: Repositories | None, completer: Completer
) -> RetrieverFor:
    """The baselines that rank windows: of the repository, or of the row's snippets where there is no repository."""
    ranker, cut, query_lines = BASELINES[name]
    if repositories is None:
        _require_provided(tasks)
        windows_of: Callable[[Task], list[Window]] = _provided_windows
    else:
        windows_of = _RepositoryWindows(_required(name, repositories, tasks), cut)

    def retriever(task: Task) -> Retriever:
        hint = task.groundtruth if name == "oracle" else ""
        ranked = WindowRetriever(name, windows_of(task), ranker, query_lines, hint)
        return SealedRetriever(IterativeRetriever(ranked, completer) if name == "repocoder" else ranked, task)

    return retriever


# How each baseline ranks, how it cuts files into windows, and how many lines before the cursor are its query.
BASELINES: dict[ContextName, tuple[Ranker, Callable[[Mapping[str, str]], list[Window]], int]] = {
    "bm25": (bm25_scores, disjoint_windows, QUERY_LINES),
    "oracle": (bm25_scores, disjoint_windows, QUERY_LINES),
    "jaccard": (jaccard_scores, sliding_windows, WINDOW_LINES),
    "repocoder": (jaccard_scores, sliding_windows, WINDOW_LINES),
}


class _RepositoryWindows:
    """Windows over the files of a task's repository that are in the task's language."""

    def __init__(self, repositories: Repositories, cut: Callable[[Mapping[str, str]], list[Window]]) -> None:
        self._repositories = repositories
        self._windows = lru_cache(_KEPT_REPOSITORIES)(lambda folder, suffixes: cut(read_source(folder, suffixes)))

    def __call__(self, task: Task) -> list[Window]:
        return self._windows(self._repositories.folder(task), SUFFIXES[task.language])


def _provided_windows(task: Task) -> list[Window]:
    return snippet_windows(task.provided)


def _require_provided(tasks: Sequence[Task]) -> None:
    if not any(task.provided for task in tasks):
        raise EvaluationError("no task came with cross-file context; give repositories with --repos and --context bm25")


def _required(name: str, repositories: Repositories | None, tasks: Sequence[Task]) -> Repositories:
    if repositories is None:
        raise EvaluationError(f"--context {name} needs the repositories: give their folder or archive with --repos")
    repositories.require_all(tasks)
    return repositories
