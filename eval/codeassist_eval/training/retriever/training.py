"""The two stages of training a retriever: from repositories alone, and from rewards. Both reproducible by seed.

What it learns from is given to it. Each stage can stop after any step and go on from its state.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from codeassist.progress import Progress
from codeassist_eval.runs.one_thread import one_thread
from codeassist_eval.training.optimiser_state import State
from codeassist_eval.training.retriever.data import Place, RepositoryData, Rows, worth
from codeassist_eval.training.retriever.model import Rates, TrainableEncoder, cross_entropy, rarity_of_rows

_STEPS_PER_SAVE = 10
_MOST_CHUNKS = 320
_TEMPERATURE = 0.5
_STOP_WORTH = 3.0  # less than a rare name that stands nowhere near the cursor, and is defined or used

_PLACE_RATES = Rates(slots=0.02, stop=0.01, words=0.005, directions=0.001)
# With directions that learn too, 286 tasks were learned by heart: mean reward of the first 4.4 nats on them and 1.95 on
# repositories held out, where one that was never trained has 1.9 and this 2.3 (2026-11).
_REWARD_RATES = Rates(slots=0.05, stop=0.01, words=0.003, directions=0.0)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How the encoder is trained. Places are compared with each other's chunks, so those of a repository come together.

    `temperature`: rewards in nats are divided by it before the softmax.
    """

    num_rows: int = 1 << 15
    num_dims: int = 64
    steps: int = 40
    repositories_per_step: int = 2
    places_per_repository: int = 24
    rates: Rates = _PLACE_RATES
    reward_steps: int = 30
    tasks_per_step: int = 24
    reward_rates: Rates = _REWARD_RATES
    temperature: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RewardExample:
    """A task: the rows and slots of the words around its cursor, its candidates' rows, and their rewards in nats."""

    rows: Rows
    slots: Rows
    candidates: Sequence[Rows]
    rewards: Sequence[float]


def new_encoder(repositories: Sequence[RepositoryData], plan: TrainingPlan) -> TrainableEncoder:
    """Return an untrained encoder; of words it knows how rare they are."""
    texts = [chunk.rows for each in repositories for chunk in each.chunks if len(chunk.rows)]
    return TrainableEncoder(rarity_of_rows(texts, plan.num_rows), plan.num_dims, plan.seed)


def pretrain(
    encoder: TrainableEncoder,
    repositories: Sequence[RepositoryData],
    plan: TrainingPlan,
    progress: Progress,
    begin: State | None = None,
    save: Callable[[State], None] = lambda state: None,
) -> None:
    """Learn which chunks hold what a place's true line names. Changes `encoder`."""
    useful = [each for each in repositories if each.places]

    def step(number: int) -> Tensor:
        chooser = random.Random(f"{plan.seed}/{number}")
        losses = [
            _place_loss(encoder, repository, chooser.sample(list(repository.places), k), chooser)
            for repository in chooser.sample(useful, min(plan.repositories_per_step, len(useful)))
            for k in (min(plan.places_per_repository, len(repository.places)),)
        ]
        return torch.stack(losses).mean()

    _optimise(encoder, step, plan.steps if useful else 0, plan.rates, "pretraining", progress, begin, save)


def learn_rewards(
    encoder: TrainableEncoder,
    examples: Sequence[RewardExample],
    plan: TrainingPlan,
    progress: Progress,
    begin: State | None = None,
    save: Callable[[State], None] = lambda state: None,
) -> None:
    """Learn which candidates made the truth likelier, and when none did. Changes `encoder`."""

    def step(number: int) -> Tensor:
        chooser = random.Random(f"rewards/{plan.seed}/{number}")
        return _reward_loss(encoder, chooser.sample(list(examples), min(plan.tasks_per_step, len(examples))), plan)

    steps = plan.reward_steps if examples else 0
    _optimise(encoder, step, steps, plan.reward_rates, "learning rewards", progress, begin, save)


def _place_loss(
    encoder: TrainableEncoder, repository: RepositoryData, places: Sequence[Place], chooser: random.Random
) -> Tensor:
    # All chunks, where that can be: among those that places lead to, words that both share would tell nothing.
    every = range(len(repository.chunks))
    wanted = every if len(every) <= _MOST_CHUNKS else sorted({number for place in places for number in place.pool})
    numbers = [number for number in wanted if len(repository.chunks[number].rows)]
    chunks = [repository.chunks[number] for number in numbers]
    worths = torch.tensor([[worth(place.truth, chunk) for chunk in chunks] + [_STOP_WORTH] for place in places])
    # A chunk of the place's own file is no choice; it came into the batch for another place.
    mask = torch.tensor([[chunk.file != place.file for chunk in chunks] + [True] for place in places])
    targets = torch.softmax((worths / _TEMPERATURE).masked_fill(~mask, -1e9), dim=-1)
    queries = encoder.query([place.rows for place in places], [place.slots for place in places])
    return cross_entropy(encoder.logits(queries, encoder.encode([chunk.rows for chunk in chunks])), targets, mask)


def _reward_loss(encoder: TrainableEncoder, examples: Sequence[RewardExample], plan: TrainingPlan) -> Tensor:
    texts = encoder.encode([rows for example in examples for rows in example.candidates])
    queries = encoder.query([example.rows for example in examples], [example.slots for example in examples])
    logits = encoder.logits(queries, texts)
    rewards = torch.full(logits.shape, -1e9)
    rewards[:, -1] = 0.0  # stopping changes nothing
    start = 0
    for number, example in enumerate(examples):
        rewards[number, start : start + len(example.rewards)] = torch.tensor(example.rewards)
        start += len(example.rewards)
    return cross_entropy(logits, torch.softmax(rewards / plan.temperature, dim=-1), rewards > -1e8)


def _optimise(
    encoder: TrainableEncoder,
    loss_of: Callable[[int], Tensor],
    steps: int,
    rates: Rates,
    stage: str,
    progress: Progress,
    begin: State | None,
    save: Callable[[State], None],
) -> None:
    """Adam, the learning rate falling in a line to nothing. What a step draws depends on its number only."""
    with one_thread():
        _steps(encoder, loss_of, steps, rates, stage, progress, begin, save)


def _steps(
    encoder: TrainableEncoder,
    loss_of: Callable[[int], Tensor],
    steps: int,
    rates: Rates,
    stage: str,
    progress: Progress,
    begin: State | None,
    save: Callable[[State], None],
) -> None:
    optimiser = torch.optim.Adam(encoder.parameter_groups(rates))
    first = 0
    if begin is not None:
        encoder.load_state_dict(begin.model)
        optimiser.load_state_dict(begin.optimiser)
        first = begin.step
    for number in range(first, steps):
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * (1 - number / steps)
        optimiser.zero_grad()
        loss_of(number).backward()
        optimiser.step()
        progress(stage, number + 1, steps)
        if (number + 1) % _STEPS_PER_SAVE == 0 and number + 1 < steps:
            save(State(number + 1, encoder.state_dict(), optimiser.state_dict()))
