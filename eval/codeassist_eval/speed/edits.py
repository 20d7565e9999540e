"""How fast next edits come: until the first one, and regions written again with drafts and without.

Real places of commits. A draft changes no answer, so both ways write the same tokens; what differs are passes and time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from codeassist.completion.pipeline import never
from codeassist.completion.session import Session
from codeassist.edits.forms.sweep import WINDOW_LINES
from codeassist.edits.model_parts import open_parts
from codeassist.edits.pipeline import EditPipeline
from codeassist.edits.site import Site
from codeassist.progress import Progress
from codeassist_eval.edits.edit_task import EditTask
from codeassist_eval.percentiles import percentiles
from codeassist_indexer.edit_requests.edit_pipeline import open_edit_pipeline
from codeassist_indexer.edit_sites.rules import RULES

if TYPE_CHECKING:
    from codeassist.engine.generation import Generation

MOST_OLD_LINES = 5


@dataclass(frozen=True, slots=True)
class Rewrites:
    """What writing regions again took: the model's answers as tokens, its passes, the time of decoding alone and of
    all, reading the prompt included; and how many tokens were drafted and kept."""

    answers: tuple[tuple[int, ...], ...]
    num_passes: int
    decode_ms: float
    whole_ms: tuple[float, ...]
    num_drafted: int
    num_kept: int

    def figures(self) -> dict[str, Any]:
        """The figures of these, ready for JSON."""
        num_tokens = sum(len(answer) for answer in self.answers)
        return {
            "answers": len(self.answers),
            "tokens": num_tokens,
            "passes": self.num_passes,
            "tokens_per_s": 1e3 * num_tokens / self.decode_ms if self.decode_ms else None,
            "decode_ms": self.decode_ms,
            "whole_ms": percentiles(self.whole_ms, (50, 95), 1),
            "draft_acceptance": 100 * self.num_kept / self.num_drafted if self.num_drafted else None,
        }


def fitting_tasks(tasks: Sequence[EditTask]) -> list[EditTask]:
    """Return the tasks whose next change replaces up to five lines."""
    return [task for task in tasks if task.target is not None and 0 < len(task.target.old) <= MOST_OLD_LINES]


def measure_edits(
    session: Session, tasks: Sequence[EditTask], form: str | None, progress: Progress
) -> Mapping[str, Any]:
    """Measure a model on tasks, each asked once in each way: first by the pipeline as an editor asks, then one region
    of 21 lines written again in a form, the model's own unless given."""
    figures: dict[str, Any] = {"model": session.model_name, "tasks": len(tasks)}
    answers = list(_answers(open_edit_pipeline(session), tasks, progress))
    first = [each["first"] for each in answers if "first" in each]
    rules = [each["sites"] + sum(each.get(rule.name, 0.0) for rule in RULES) for each in answers]
    figures["shown"] = len(first)
    figures["first_ms"] = percentiles(first, (50, 95), 1)
    figures["answer_ms"] = percentiles((each["total"] for each in answers), (50, 95), 1)
    figures["places_and_rules_ms"] = percentiles(rules, (50, 95), 1)
    with_drafts, without = (_rewrites(session, tasks, form, progress, drafts=drafts) for drafts in (True, False))
    figures["form"] = open_parts(session, form=form).proposers[0].name
    figures["with_drafts"], figures["without_drafts"] = with_drafts.figures(), without.figures()
    figures["same_answers"] = sum(one == other for one, other in zip(with_drafts.answers, without.answers, strict=True))
    figures["passes_spared"] = without.num_passes / with_drafts.num_passes if with_drafts.num_passes else None
    figures["times_as_fast"] = without.decode_ms / with_drafts.decode_ms if with_drafts.decode_ms else None
    return figures


def _answers(pipeline: EditPipeline, tasks: Sequence[EditTask], progress: Progress) -> Iterator[Mapping[str, float]]:
    for number, task in enumerate(tasks):
        progress("next edits", number, len(tasks))
        yield pipeline.next_edits(task.request, most=1).trace.stage_ms


def _rewrites(
    session: Session, tasks: Sequence[EditTask], form: str | None, progress: Progress, *, drafts: bool
) -> Rewrites:
    made: list[Generation] = []
    whole: list[float] = []
    parts = open_parts(session, form=form)
    assert parts.model is not None, "a session has a model"
    parts.model.watch(made.append)
    (proposer,) = parts.proposers
    with _drafting(session, drafts):
        for number, task in enumerate(tasks):
            progress("with drafts" if drafts else "without drafts", number, len(tasks))
            site = _region(task, whole=proposer.name == "diff")
            began = perf_counter()
            proposer.propose(task.request, site, never)
            whole.append((perf_counter() - began) * 1e3)
    parts.close()
    return Rewrites(
        tuple(tuple(each.decoded.tokens) for each in made),
        sum(each.decoded.num_passes for each in made),
        sum(each.decode_ms for each in made),
        tuple(whole),
        sum(each.decoded.num_drafted for each in made),
        sum(each.decoded.num_draft_accepted for each in made),
    )


def _region(task: EditTask, *, whole: bool) -> Site:
    """The place of the next change; `whole`: 21 lines around it, for a form that writes a site's lines alone."""
    target = task.target
    assert target is not None, "a fitting task has one"
    start, end = target.start_line, target.start_line + len(target.old)
    if whole:
        start = max(0, start - WINDOW_LINES // 2)
        end = min(task.request.files[target.path].count("\n"), start + WINDOW_LINES)
    return Site(target.path, start, end, 1.0, "near", "")


@contextmanager
def _drafting(session: Session, is_on: bool) -> Iterator[None]:
    before, session.engine.speculate = session.engine.speculate, is_on
    try:
        yield
    finally:
        session.engine.speculate = before
