"""What each candidate is worth: by how much it raises the model's likelihood of what truly comes, one at a time.

The reward of RLCoder and CodeFilter, without their labels: the log-likelihood of the true line with a candidate in the
prompt, minus that without. Knows no ranker; a folder holds one run, which goes on where it was interrupted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from codeassist.completion.document_state import DocumentState
from codeassist.completion.session import Session
from codeassist.progress import Progress
from codeassist.prompts import prompt as prompts
from codeassist.request import CompletionRequest, Snippet
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.runs.record_log import RecordLog, claim_log
from codeassist_eval.tasks.task import Task, in_prefix_order
from codeassist_indexer.retrieval.sources.candidate import Candidate, Facts, Found
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline

_MOST_TRUTH_TOKENS = 48
_TRUE_LINE = re.compile(r"\s*[^\n]*")


@dataclass(frozen=True, slots=True)
class RewardPlan:
    """`num_candidates` of each task, the first that were found; `file_tokens` of its own file in every prompt.

    `max_candidate_tokens`: what is longer is cut after whole lines. With `exact`, every prompt is read from its first
    change on; else the file's states are shifted after the candidate, and those around the cursor computed anew.
    """

    num_candidates: int = 16
    file_tokens: int = 512
    max_candidate_tokens: int = 320
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Rewarded:
    """A candidate, the tokens that it took, and its reward in nats: over 0 the truth became likelier."""

    candidate: Candidate
    num_tokens: int
    reward: float


@dataclass(frozen=True, slots=True)
class RewardRecord:
    """One task. `logprob`: of the `num_truth_tokens` of its true line, without any candidate; nats, not above 0."""

    task_id: str
    repository: str
    language: str
    path: str
    truth: str
    num_truth_tokens: int
    logprob: float
    candidates: tuple[Rewarded, ...]


def reward_log(folder: Path, identity: Mapping[str, Any]) -> RecordLog[RewardRecord]:
    """Open the log of a run in `folder`. Raises EvaluationError where another run stands there."""
    return claim_log(folder, "rewards.jsonl", identity, as_reward, lambda record: record.task_id)


def as_reward(data: Mapping[str, Any]) -> RewardRecord:
    """Read back what `asdict` made of a record."""
    rewarded = [Rewarded(**{**each, "candidate": _as_candidate(each["candidate"])}) for each in data["candidates"]]
    return RewardRecord(**{**data, "candidates": tuple(rewarded)})


def measure_rewards(
    session: Session,
    contexts: IndexContexts,
    tasks: Sequence[Task],
    plan: RewardPlan,
    log: RecordLog[RewardRecord] | None,
    progress: Progress,
) -> list[RewardRecord]:
    """Measure the tasks that are not in the log yet; return the records of all, those of one repository together."""
    done = {} if log is None else log.read()
    ordered = in_prefix_order(tasks)
    for number, task in enumerate(ordered):
        progress("scoring candidates", number, len(ordered))
        if task.task_id not in done:
            done[task.task_id] = record = measure_task(session, contexts, task, plan)
            if log is not None:
                log.append(record)
    progress("scoring candidates", len(ordered), len(ordered))
    return [done[task.task_id] for task in ordered]


def measure_task(session: Session, contexts: IndexContexts, task: Task, plan: RewardPlan) -> RewardRecord:
    """Score the candidates of one task."""
    store = contexts.store(task)
    request = CompletionRequest(task.path, task.prefix, task.suffix)
    found = find_candidates(store, request, store.collection(), Deadline(None), search=contexts.search).candidates[
        : plan.num_candidates
    ]
    scorer = TruthScorer(session, task, plan)
    try:
        alone = scorer.logprob(None)
        rewarded = tuple(Rewarded(each, *scorer.reward(each.snippet, alone)) for each in found)
    finally:
        scorer.close()
    return RewardRecord(
        task.task_id, task.repository, task.language, task.path, scorer.truth, scorer.num_truth_tokens, alone, rewarded
    )


def true_line(task: Task) -> str:
    """What is to come up to the end of its first line that says anything."""
    found = _TRUE_LINE.match(task.groundtruth)
    return "" if found is None else found[0]


class TruthScorer:
    """Log-likelihoods of one task's true line under prompts that differ in one snippet only.

    The part of its own file is the same in all of them, so its states are computed once (unless the plan is `exact`).
    """

    def __init__(self, session: Session, task: Task, plan: RewardPlan) -> None:
        self._session = session
        self._task = task
        self._plan = plan
        self._request = CompletionRequest(task.path, task.prefix, task.suffix)
        self._document = DocumentState(task.task_id)
        tokens = self._document.tokens(session.prompter.snippet_tokens)
        self._texts = tokens.at(task.prefix, task.suffix)
        self.truth = true_line(task)
        self._truth_tokens = session.tokenizer.encode(self.truth)[:_MOST_TRUTH_TOKENS]

    @property
    def num_truth_tokens(self) -> int:
        """Of the true line, as many as are scored."""
        return len(self._truth_tokens)

    def reward(self, snippet: Snippet, alone: float) -> tuple[int, float]:
        """Return the tokens that a snippet takes in the prompt, and what it adds to the log-likelihood `alone`."""
        prompt = self.prompt(self._cut(snippet))
        return prompt.snippets[0].num_tokens, self._score(prompt) - alone

    def logprob(self, snippet: Snippet | None) -> float:
        """Return the log-likelihood of the true line, in nats, with a snippet in the prompt or with none."""
        return self._score(self.prompt(None if snippet is None else self._cut(snippet)))

    def close(self) -> None:
        """Drop the states."""
        self._document.close()

    def _score(self, prompt: prompts.Prompt) -> float:
        if not self._truth_tokens:
            return 0.0
        engine = self._session.engine
        cache = engine.use(self._document.cache(engine))
        last, _ = cache.sync(prompt.tokens, prompt.around_cursor, exact=self._plan.exact)
        hidden = [last]
        if len(self._truth_tokens) > 1:
            hidden.append(cache.extend(self._truth_tokens[:-1]))
        cache.truncate(len(prompt.tokens))
        logprobs = torch.log_softmax(engine.model.logits(torch.cat(hidden)).float(), dim=-1)
        wanted = torch.tensor(self._truth_tokens, device=logprobs.device)
        return logprobs.gather(1, wanted[:, None]).sum().item()

    def prompt(self, snippet: Snippet | None) -> prompts.Prompt:
        """The product's prompt, longer by what the snippet takes: the file's part stays what it is without."""
        if snippet is None:
            return self._build((), prompts.Budget(self._plan.file_tokens, 0.0))
        num_tokens = self._num_tokens(snippet)
        total = self._plan.file_tokens + num_tokens
        return self._build((snippet,), prompts.Budget(total, 1.0, self._suffix_share(total)))

    def _num_tokens(self, snippet: Snippet) -> int:
        """How many tokens the snippet takes, its header included."""
        room = prompts.Budget(4 * (self._plan.file_tokens + self._plan.max_candidate_tokens) + len(snippet.text), 1.0)
        return self._build((snippet,), room).snippets[0].num_tokens

    def _suffix_share(self, total: int) -> float:
        """The share of a longer prompt that gives the suffix as many tokens as it has without a snippet."""
        plain = prompts.Budget(self._plan.file_tokens)
        return (int(plain.total * plain.suffix_share) + 0.5) / total

    def _cut(self, snippet: Snippet) -> Snippet:
        """The snippet without its last lines, where it is too long."""
        lines = snippet.text.splitlines(keepends=True)
        num_tokens = 0
        for number, line in enumerate(lines):
            num_tokens += len(self._session.tokenizer.encode(line))
            if num_tokens > self._plan.max_candidate_tokens and number:
                return replace(snippet, text="".join(lines[:number]))
        return snippet

    def _build(self, snippets: Sequence[Snippet], budget: prompts.Budget) -> prompts.Prompt:
        return prompts.build(
            self._request,
            snippets,
            self._session.prompter.template,
            self._session.tokenizer,
            budget,
            repository=self._request.repository,
            refresh_tokens=self._session.prompter.refresh_tokens,
            file_tokens=self._texts,
        )


def _as_candidate(data: Mapping[str, Any]) -> Candidate:
    made = {
        **data,
        "snippet": Snippet(**data["snippet"]),
        "found": tuple(Found(**each) for each in data["found"]),
        "facts": Facts(**data["facts"]),
    }
    return Candidate(**made)
