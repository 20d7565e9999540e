"""What each candidate is worth: by how much it raises the model's likelihood of what truly comes, one at a time.

The reward of RLCoder and CodeFilter, without their labels: the log-likelihood of the true line with a candidate in the
prompt, minus that without. Every prompt is read from its first token, those of one task together. A folder holds one
run, which goes on where it was interrupted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from codeassist.completion.session import Session
from codeassist.progress import Progress
from codeassist.prompts import prompt as prompts
from codeassist.request import CompletionRequest, Snippet
from codeassist.tokenization.file_tokens import FreshTokens
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.runs.record_log import RecordLog, claim_log
from codeassist_eval.tasks.task import Task, in_prefix_order
from codeassist_eval.training.rewards.sequences import Text, token_logprobs
from codeassist_indexer.retrieval.ranking.features import features
from codeassist_indexer.retrieval.ranking.ranker import Ranker
from codeassist_indexer.retrieval.sources.candidate import Candidate, Facts, Found
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline

_MOST_TRUTH_TOKENS = 48
_MOST_BEFORE_TOKENS = 48
_TRUE_LINE = re.compile(r"\s*[^\n]*")


@dataclass(frozen=True, slots=True)
class RewardPlan:
    """`num_candidates` of each task; `file_tokens` of its own file in every prompt.

    `max_candidate_tokens`: what is longer is cut after whole lines.
    """

    num_candidates: int = 16
    file_tokens: int = 512
    max_candidate_tokens: int = 320


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Log-probabilities, in nats, of the tokens of the true line and of the last ones before the cursor.

    Those before the cursor are judged by what stands before them: the candidate, not the suffix.
    """

    truth: tuple[float, ...]
    before: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rewarded:
    """A candidate, the tokens that it took, and its reward in nats: over 0 the truth became likelier."""

    candidate: Candidate
    num_tokens: int
    reward: float
    likelihoods: Likelihoods


@dataclass(frozen=True, slots=True)
class RewardRecord:
    """One task. `logprob`: of the tokens of its true line, without any candidate; nats, not above 0.

    truth_starts: the characters of `truth` that the tokens begin at.
    """

    task_id: str
    repository: str
    language: str
    path: str
    truth: str
    truth_starts: tuple[int, ...]
    logprob: float
    likelihoods: Likelihoods
    candidates: tuple[Rewarded, ...]


def reward_settings(plan: RewardPlan) -> tuple[str, ...]:
    """Return the settings of a model that scores, as assignments.

    Not int8: what it rounds moves a reward by 0.6 nats at the median, as much as labels are apart; bfloat16, where the
    processor multiplies it, by 0.2 (24 candidates, Qwen2.5-Coder-0.5B, docs/results/2026-11-30-exact-rewards.md).
    """
    capabilities = torch.cpu.get_capabilities()
    has_bfloat16 = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or torch.cuda.is_available()
    room = plan.file_tokens + plan.max_candidate_tokens + 256
    weights = "bf16" if has_bfloat16 else "float32"
    return f"model.context_tokens={room}", f"model.format={weights}", "monitor.mode=off"


def reward_log(folder: Path, identity: Mapping[str, Any]) -> RecordLog[RewardRecord]:
    """Open the log of a run in `folder`. Raises EvaluationError where another run stands there."""
    return claim_log(folder, "rewards.jsonl", identity, as_reward, lambda record: record.task_id)


def as_reward(data: Mapping[str, Any]) -> RewardRecord:
    """Read back what `asdict` made of a record."""
    rewarded = [
        Rewarded(
            **{
                **each,
                "candidate": _as_candidate(each["candidate"]),
                "likelihoods": _as_likelihoods(each["likelihoods"]),
            }
        )
        for each in data["candidates"]
    ]
    made = {
        **data,
        "truth_starts": tuple(data["truth_starts"]),
        "likelihoods": _as_likelihoods(data["likelihoods"]),
        "candidates": tuple(rewarded),
    }
    return RewardRecord(**made)


def measure_rewards(
    session: Session,
    contexts: IndexContexts,
    tasks: Sequence[Task],
    plan: RewardPlan,
    log: RecordLog[RewardRecord] | None,
    progress: Progress,
    ranker: Ranker | None = None,
) -> list[RewardRecord]:
    """Measure the tasks that are not in the log yet; return the records of all, those of one repository together.

    Half of a task's candidates are those that `ranker` puts first, if there is one, the others the first that were
    found: it learns most from what it would choose.
    """
    done = {} if log is None else log.read()
    ordered = in_prefix_order(tasks)
    for number, task in enumerate(ordered):
        progress("scoring candidates", number, len(ordered))
        if task.task_id not in done:
            done[task.task_id] = record = measure_task(session, contexts, task, plan, ranker)
            if log is not None:
                log.append(record)
    progress("scoring candidates", len(ordered), len(ordered))
    return [done[task.task_id] for task in ordered]


def measure_task(
    session: Session, contexts: IndexContexts, task: Task, plan: RewardPlan, ranker: Ranker | None = None
) -> RewardRecord:
    """Score the candidates of one task."""
    store = contexts.store(task)
    request = CompletionRequest(task.path, task.prefix, task.suffix)
    found = find_candidates(store, request, store.collection(), Deadline(None), search=contexts.search).candidates
    return score_candidates(session, task, _drawn(found, request, plan.num_candidates, ranker), plan)


def score_candidates(session: Session, task: Task, found: Sequence[Candidate], plan: RewardPlan) -> RewardRecord:
    """Score these candidates of one task."""
    scorer = TruthScorer(session, task, plan)
    alone, *beside = scorer.likelihoods([None, *(each.snippet for each in found)])
    logprob = sum(alone.truth)
    rewarded = [
        Rewarded(each, scorer.num_tokens(each.snippet), sum(with_it.truth) - logprob, with_it)
        for each, with_it in zip(found, beside, strict=True)
    ]
    return RewardRecord(
        task.task_id,
        task.repository,
        task.language,
        task.path,
        scorer.truth,
        scorer.truth_starts,
        logprob,
        alone,
        tuple(rewarded),
    )


def _drawn(
    found: Sequence[Candidate], request: CompletionRequest, num: int, ranker: Ranker | None
) -> tuple[Candidate, ...]:
    """Return `num` candidates in the order in which they were found."""
    chosen = set(range(min(num, len(found))))
    if ranker is not None and found:
        gains = ranker.judge(features(found, request)).gains
        best = sorted(range(len(found)), key=lambda number: -float(gains[number]))[: num // 2]
        others = [number for number in range(len(found)) if number not in best]
        chosen = {*best, *others[: num - len(best)]}
    return tuple(found[number] for number in sorted(chosen))


def true_line(task: Task) -> str:
    """What is to come up to the end of its first line that says anything."""
    found = _TRUE_LINE.match(task.groundtruth)
    return "" if found is None else found[0]


class TruthScorer:
    """Likelihoods of one task's true line under prompts that differ in one snippet only.

    The part of its own file is the same in all of them.
    """

    def __init__(self, session: Session, task: Task, plan: RewardPlan) -> None:
        self._session = session
        self._plan = plan
        self._request = CompletionRequest(task.path, task.prefix, task.suffix)
        self._texts = FreshTokens(session.tokenizer, task.prefix, task.suffix)
        self.truth = true_line(task)
        encoded = session.tokenizer.encode_with_offsets(self.truth)
        self._truth_tokens = encoded.ids[:_MOST_TRUTH_TOKENS]
        self.truth_starts = tuple(start for start, _ in encoded.char_ranges[:_MOST_TRUTH_TOKENS])

    def likelihoods(self, snippets: Sequence[Snippet | None]) -> list[Likelihoods]:
        """Return the likelihoods with each snippet alone in the prompt, None being no snippet at all."""
        texts: list[Text] = []
        ends: list[int] = []
        for snippet in snippets:
            prompt = self.prompt(snippet)
            last = range(max(prompt.prefix.start, prompt.prefix.stop - _MOST_BEFORE_TOKENS, 1), prompt.prefix.stop)
            truth = range(len(prompt.tokens), len(prompt.tokens) + len(self._truth_tokens))
            texts.append(Text((*prompt.tokens, *self._truth_tokens), (*last, *truth)))
            ends.append(len(last))
        found = token_logprobs(self._session.engine.model, texts)
        rounded = [[round(value, 4) for value in values] for values in found]
        return [Likelihoods(tuple(each[end:]), tuple(each[:end])) for each, end in zip(rounded, ends, strict=True)]

    def prompt(self, snippet: Snippet | None) -> prompts.Prompt:
        """The product's prompt, longer by what the snippet takes: the file's part stays what it is without."""
        if snippet is None:
            return self._build((), prompts.Budget(self._plan.file_tokens, 0.0))
        snippet = self._cut(snippet)
        num_tokens = self._num_tokens(snippet)
        total = self._plan.file_tokens + num_tokens
        return self._build((snippet,), prompts.Budget(total, 1.0, self._suffix_share(total)))

    def num_tokens(self, snippet: Snippet) -> int:
        """Return how many tokens a snippet takes in the prompt, its header included."""
        return self._num_tokens(self._cut(snippet))

    def _num_tokens(self, snippet: Snippet) -> int:
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


def _as_likelihoods(data: Mapping[str, Any]) -> Likelihoods:
    return Likelihoods(tuple(data["truth"]), tuple(data["before"]))


def _as_candidate(data: Mapping[str, Any]) -> Candidate:
    made = {
        **data,
        "snippet": Snippet(**data["snippet"]),
        "found": tuple(Found(**each) for each in data["found"]),
        "facts": Facts(**data["facts"]),
    }
    return Candidate(**made)
