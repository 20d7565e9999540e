"""What completes, as evaluation sees it: the product's pipeline with any of its generators. Tests have fakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Generator, Job, completion_of, completions
from codeassist.errors import CodeAssistError
from codeassist.request import Completion, CompletionRequest, Retriever


class Completer(Protocol):
    """Completes requests, one or many."""

    @property
    def num_parallel(self) -> int:
        """Return how many answers' times of work overlap: a server's do, those of a batch are its shares."""
        ...

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Return one completion."""
        ...

    def completions(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Completion | CodeAssistError]]:
        """Yield what becomes of jobs, as `Generator.generate` says."""
        ...


@dataclass(frozen=True, slots=True)
class PipelineCompleter:
    """The product's pipeline with a generator."""

    generator: Generator
    num_parallel: int = 1

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Return one completion."""
        return completion_of(self.generator, Job(request, retriever, DocumentState(request.path)))

    def completions(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Completion | CodeAssistError]]:
        """Yield what becomes of jobs."""
        return completions(self.generator, jobs)
