"""What the last edits bring in ordinary prompts: where changes are cut, what is asked, how answers are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from codeassist.completion.completer import one_after_the_other
from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Job, never
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.request import Completion, CompletionRequest, Retriever
from codeassist_eval.edits.edit_task import EditTask
from codeassist_eval.edits.history_effect import diff_of, history_figures, insertions, measure_history

TEXT = "def area(width, scale):\n    return width\n\n\nprint(area(1))\n"
EDIT = LineChange("a.py", 0, ("def area(width):",), ("def area(width, scale):",))


def task(*targets: LineChange) -> EditTask:
    request = EditRequest("a.py", 0, (EDIT,), {"a.py": TEXT})
    return EditTask("r/0", "r", "c", "python", "near", request, targets)


def test_only_what_puts_text_in_is_cut_and_puts_back_the_line() -> None:
    inside = LineChange("a.py", 4, ("print(area(1))",), ("print(area(1, 2))",))
    lines = LineChange("a.py", 1, (), ("", "    width *= scale", "    check(width)"))
    other = LineChange("a.py", 1, ("    return width",), ("    return scale",))
    cut = LineChange("a.py", 4, ("print(area(1))",), ("print(area())",))
    two = LineChange("a.py", 1, ("    return width", ""), ("    return width * scale", ""))
    found = list(insertions(task(inside, lines, other, cut, two)))
    assert [(case.case_id, case.truth) for case in found] == [("r/0/0", ", 2"), ("r/0/1", "width *= scale")]
    first, second = found
    assert first.prefix.endswith("\nprint(area(1") and first.suffix == "))\n"
    assert first.prefix + first.truth + first.suffix == TEXT.replace("area(1)", "area(1, 2)")
    assert second.prefix == "def area(width, scale):\n\n    " and second.suffix.startswith("\n    return width\n")


class Scripted:
    """Says what it takes to be right where the prompt shows the edits."""

    model_name = "scripted"
    notices: tuple[str, ...] = ()
    problem = None
    engine = None

    def __init__(self) -> None:
        self.seen: list[str] = []

    def complete(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool] = never,
        document: DocumentState | None = None,
    ) -> Completion:
        snippets = "".join(snippet.text for snippet in retriever.retrieve(request, 1000).snippets)
        self.seen.append(snippets)
        text = ", 2" if "scale" in snippets else ", x"
        return Completion(text, text, "eos", self.model_name)

    def alternatives(self, job: Job, num_wanted: int) -> Iterator[Completion]:
        return one_after_the_other(self, job, num_wanted)

    def warm(self, request: CompletionRequest, document: DocumentState) -> None:
        pass

    def close(self) -> None:
        pass


def test_each_case_is_asked_both_ways_once_and_a_run_goes_on(tmp_path: Path) -> None:
    cases = list(insertions(task(LineChange("a.py", 4, ("print(area(1))",), ("print(area(1, 2))",)))))
    completer = Scripted()
    for _ in range(2):
        figures = measure_history(cases, lambda: completer, tmp_path / "run", {}, lambda number: None, 0)
    assert completer.seen == ["", diff_of(cases[0].task.request)]
    assert "-def area(width):\n+def area(width, scale):\n" in completer.seen[1]
    assert (figures["exact_plain"], figures["exact_with_diff"], figures["only_with_diff"]) == (0, 100, 1)
    assert figures["similarity_difference"][0] > 0 and history_figures([], 0) == {"cases": 0}
