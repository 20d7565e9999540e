"""Proposals by continuing a diff, on a tiny random model: what drafts and caches must not change, what never comes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import DiffPrompt
from codeassist.edits.edit_model import EditModel
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.likelihood import DiffLikelihood
from codeassist.edits.pipeline import applied
from codeassist.edits.proposals.diff import MOST_OLD_LINES, DiffProposer, trimmed
from codeassist.edits.site import Site
from codeassist.engine.loading.weights import WeightFormat
from codeassist.models.model_store import InstalledModel
from codeassist.settings import CacheSettings, CompletionSettings, Folders, ModelSettings, Settings
from tests.tiny_models import CODE, save_model

SEED = 20261130
HISTORY = (LineChange("a.py", 1, ("    old = 1",), ("    new = 1",)),)
FILES = {"a.py": CODE, "b.py": CODE.replace("key", "<|file_sep|>"), "long.py": "x = 1\n" * 2 * MOST_OLD_LINES}
REQUEST = EditRequest("a.py", 1, HISTORY, FILES)


@pytest.fixture(scope="module", params=["qwen2", "llama"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    save_model(folder, request.param, max_position_embeddings=2048)
    return folder


def opened(folder: Path, cache: str = "live", weights: WeightFormat = "int8", *, speculate: bool = True) -> Session:
    torch.set_num_threads(1)
    settings = Settings(
        model=ModelSettings(format=weights, context_tokens=1024, threads=1),
        completion=CompletionSettings(max_new_tokens=64),
        cache=CacheSettings(mode="exact" if cache == "exact" else "live"),
        places=Folders(folder / "config.toml", folder / "data", folder / "cache", folder / "run"),
    )
    model = InstalledModel("tiny", folder, f"{hash(folder):064x}"[-64:], "safetensors")
    return open_session(settings, model, speculate=speculate)


def proposer(session: Session) -> DiffProposer:
    model = EditModel.of(session)
    return DiffProposer(model, DiffPrompt(model.encode))


def sites(rng: random.Random) -> list[Site]:
    found: list[Site] = []
    for _ in range(12):
        start = rng.randrange(CODE.count("\n"))
        path = rng.choice(["a.py", "b.py"])
        found.append(Site(path, start, start + rng.randrange(4), 0.5, "near", ""))
    return found


def test_drafts_change_no_proposal(folder: Path) -> None:
    """With int8 weights, whose rounding shows every difference; each site on a cache of its own, and on one for all."""
    print(f"seed {SEED}")
    drafting, plain = opened(folder), opened(folder, speculate=False)
    for site in sites(random.Random(SEED)):
        ours = proposer(drafting).propose(REQUEST, site)
        assert ours == proposer(plain).propose(REQUEST, site)
        for each in ours:
            after = applied(REQUEST.files[site.path], each.change)
            assert after is not None and after != REQUEST.files[site.path]
            assert each.source == "diff" and each.site == site


def test_with_exact_states_the_sites_before_change_no_proposal_and_no_likelihood(folder: Path) -> None:
    print(f"seed {SEED}")
    session = opened(folder, "exact", "float32")
    kept, rng = EditModel.of(session), random.Random(SEED)
    prompt = DiffPrompt(kept.encode)
    for site in sites(rng)[:6]:
        fresh = EditModel.of(session)
        assert DiffProposer(kept, prompt).propose(REQUEST, site) == DiffProposer(fresh, prompt).propose(REQUEST, site)
        change = LineChange(site.path, site.start_line, _lines(site), ("    pass",))
        ours, theirs = (DiffLikelihood(model, prompt).of(REQUEST, change) for model in (kept, fresh))
        assert ours is not None and theirs is not None
        assert (ours.new, ours.old) == pytest.approx((theirs.new, theirs.old), abs=1e-3)
        assert ours.place == pytest.approx(theirs.place, abs=1e-3)


def test_a_likelihood_is_what_reading_token_by_token_gives(folder: Path) -> None:
    session = opened(folder, "exact", "float32")
    model = EditModel.of(session)
    prompt = DiffPrompt(model.encode)
    change = LineChange("a.py", 2, tuple(CODE.split("\n")[2:4]), ("    x = <|file_sep|>",))
    ours = DiffLikelihood(model, prompt).of(REQUEST, change)
    before = prompt.before(HISTORY, REQUEST.files, "a.py", 2)
    gone = prompt.removed(change.old)

    def slowly(tokens: list[int], after: list[int]) -> float:
        total = 0.0
        for number, token in enumerate(tokens):
            rows = model.logprobs([*after, *tokens[:number]], ())
            total += float(rows[-1, token])
        return total

    assert ours is not None
    assert ours.new == pytest.approx(slowly([*prompt.added(change.new), *prompt.keep], [*before, *gone]), abs=0.05)
    assert ours.old == pytest.approx(slowly([*prompt.added(change.old), *prompt.keep], [*before, *gone]), abs=0.05)
    assert ours.place == pytest.approx(slowly(prompt.remove, before) - slowly(prompt.keep, before), abs=0.05)


@pytest.mark.parametrize(
    "site",
    [
        Site("gone.py", 0, 1, 0.5, "near", ""),
        Site("a.py", 900, 901, 0.5, "near", ""),
        Site("long.py", 0, MOST_OLD_LINES + 1, 0.5, "near", ""),
    ],
)
def test_nothing_is_proposed_for_what_is_not_there_or_too_long(folder: Path, site: Site) -> None:
    assert proposer(opened(folder)).propose(REQUEST, site) == ()


def test_a_prompt_that_does_not_fit_the_model_proposes_nothing(folder: Path) -> None:
    files = {"a.py": "\n".join(["word " * 80] * 30)}
    request = EditRequest("a.py", 0, (), files)
    session = opened(folder)
    assert proposer(session).propose(request, Site("a.py", 8, 20, 0.5, "near", "")) == ()
    model = EditModel.of(session)
    long = LineChange("a.py", 8, tuple(files["a.py"].split("\n")[8:20]), ())
    assert DiffLikelihood(model, DiffPrompt(model.encode)).of(request, long) is None


def test_a_change_is_trimmed_to_the_lines_that_differ() -> None:
    assert trimmed(LineChange("x", 3, ("a", "b", "c"), ("a", "B", "c"))) == LineChange("x", 4, ("b",), ("B",))
    assert trimmed(LineChange("x", 3, ("a", "b"), ("a",))) == LineChange("x", 4, ("b",), ())
    assert trimmed(LineChange("x", 3, ("a",), ("a", "a"))) == LineChange("x", 4, (), ("a",))
    assert trimmed(LineChange("x", 3, ("a",), ("a",))) is None


def _lines(site: Site) -> tuple[str, ...]:
    return tuple(REQUEST.files[site.path].split("\n")[site.start_line : site.end_line])
