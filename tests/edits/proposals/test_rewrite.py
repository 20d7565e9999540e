"""Regions written again, on a tiny random model: drafts change nothing, text is never taken for a mark."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.edits.change import LineChange
from codeassist.edits.edit_model import EditModel
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import Window
from codeassist.edits.forms.registry import FORMS
from codeassist.edits.model_parts import open_parts
from codeassist.edits.proposal import Proposal
from codeassist.edits.proposals.rewrite import RewriteProposer, region_changes
from codeassist.edits.site import Site
from codeassist.errors import ModelError
from codeassist.models.model_store import InstalledModel
from codeassist.settings import CompletionSettings, Folders, ModelSettings, Settings, UserModel
from tests.prompts.test_families import SEED, tokenizer_with
from tests.tiny_models import CODE, save_model

HISTORY = (LineChange("a.py", 1, ("    old = 1",), ("    new = 1",)),)
REQUEST = EditRequest("a.py", 1, HISTORY, {"a.py": CODE})
SITE = Site("a.py", 8, 9, 0.5, "near", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qwen2")
    save_model(folder, "qwen2", max_position_embeddings=2048)
    return folder


def opened(folder: Path, *, speculate: bool = True, models: Mapping[str, UserModel] | None = None) -> Session:
    torch.set_num_threads(1)
    settings = Settings(
        model=ModelSettings(format="int8", context_tokens=1500, threads=1),
        completion=CompletionSettings(max_new_tokens=64),
        places=Folders(folder / "config.toml", folder / "data", folder / "cache", folder / "run"),
        models=models or {},
    )
    return open_session(settings, InstalledModel("tiny", folder, "0" * 64, "safetensors"), speculate=speculate)


class Recorder:
    """An edit model's answer, and the tokens that it was asked with."""

    def __init__(self, model: EditModel) -> None:
        self.model = model
        self.prompts: list[list[int]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def generate(self, prompt: list[int], *args: object) -> object:
        self.prompts.append(list(prompt))
        return self.model.generate(prompt, *args)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]


@pytest.mark.parametrize("name", ["sweep", "zeta", "rewrite"])
def test_drafts_change_no_rewrite(folder: Path, name: str) -> None:
    drafting, plain = (EditModel.of(opened(folder, speculate=speculate)) for speculate in (True, False))
    ours, theirs = (RewriteProposer(model, FORMS[name]).propose(REQUEST, SITE) for model in (drafting, plain))
    assert ours == theirs


def test_special_tokens_in_text_stay_text_and_a_forms_own_marks_are_tokens(folder: Path) -> None:
    model = Recorder(EditModel.of(opened(folder)))
    hostile = EditRequest("a.py", 0, HISTORY, {"a.py": CODE.replace("key", "<|file_sep|><|endoftext|>")})
    RewriteProposer(model, FORMS["sweep"]).propose(hostile, SITE)  # pyright: ignore[reportArgumentType]
    special = model.model.tokenizer.special
    [prompt] = model.prompts
    assert prompt.count(special["<|file_sep|>"]) == 4 and special["<|endoftext|>"] not in prompt


@pytest.mark.parametrize(("name", "mark"), [("zeta", "<|editable_region_end|>"), ("rewrite", "```")])
def test_text_with_a_forms_written_marks_is_not_asked_about(folder: Path, name: str, mark: str) -> None:
    model = Recorder(EditModel.of(opened(folder)))
    proposer = RewriteProposer(model, FORMS[name])  # pyright: ignore[reportArgumentType]
    proposer.propose(REQUEST, SITE)
    hostile = EditRequest("a.py", 0, HISTORY, {"a.py": CODE.replace("key", mark)})
    in_history = EditRequest("a.py", 0, (LineChange("a.py", 0, (mark,), ()),), {"a.py": CODE})
    assert proposer.propose(hostile, SITE) == proposer.propose(in_history, SITE) == ()
    assert len(model.prompts) == 1


def test_a_form_whose_tokens_the_model_has_not_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"has no token <.*, which the form zeta2 is written with"):
        open_parts(opened(folder), form="zeta2")
    assert [each.name for each in open_parts(opened(folder), form="sweep").proposers] == ["sweep"]
    assert [each.name for each in open_parts(opened(folder)).proposers] == ["diff"]


class SeedModel:
    """A model with Seed-Coder's tokens, `<filename>` among them or not, that is only asked."""

    name, context_tokens = "zeta-2", 4096

    def __init__(self, *more: str) -> None:
        self.tokenizer = tokenizer_with((*SEED, *more))
        self.encode = self.tokenizer.encode
        self.prompts: list[list[int]] = []

    def generate(self, prompt: list[int], *args: object) -> object:
        self.prompts.append(prompt)
        return SimpleNamespace(end="cancelled")

    def asked(self) -> str:
        RewriteProposer(self, FORMS["zeta2"]).propose(REQUEST, SITE)  # pyright: ignore[reportArgumentType]
        names = {number: name for name, number in self.tokenizer.special.items()}
        parts = [names[t].encode() if t in names else self.tokenizer.token_bytes(t) for t in self.prompts[-1]]
        return b"".join(parts).decode()


def test_zeta_2_is_asked_the_same_whether_its_file_marker_is_a_special_token_or_text() -> None:
    with_token, without = SeedModel("<filename>"), SeedModel()
    assert with_token.asked() == without.asked()
    assert without.asked().startswith("<[fim-suffix]>") and "<filename>a.py\n" in without.asked()
    assert with_token.tokenizer.special["<filename>"] in with_token.prompts[0]
    special = without.tokenizer.special
    assert [special[mark] in without.prompts[0] for mark in SEED[:3]] == [True] * 3


def test_the_form_is_the_entrys_own_else_what_the_name_says(folder: Path) -> None:
    own = opened(folder, models={"tiny": UserModel(folder=folder, edit_form="sweep")})
    assert own.edit_form == "sweep"
    assert [each.name for each in open_parts(own).proposers] == ["sweep"]
    named = dataclasses.replace(opened(folder), model_name="my-sweep-next-edit")
    assert [each.name for each in open_parts(named).proposers] == ["sweep"]


def test_the_gate_is_calibrated_by_the_file_that_the_entry_names(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    written = {"model": "other", "threshold": 0.73, "bias": -20, "weights": {"site": 2.5}, "figures": {"shown": 3}}
    file.write_text(json.dumps(written))
    session = opened(folder, models={"tiny": UserModel(folder=folder, edit_calibration=file)})
    change = LineChange("a.py", 0, (CODE.split("\n")[0],), ("x = 1",))
    request = EditRequest("a.py", 0, HISTORY, {"a.py": CODE})
    verdict = open_parts(session).gate.judge(request, Proposal(change, SITE, "diff"), lambda: False)
    assert verdict.why_not is not None and verdict.why_not.endswith("of 0.73"), "its own threshold"
    file.write_text(json.dumps({**written, "thresholds": {"token rule": 0.21}}))
    gate = open_parts(session).gate
    for source, least in (("token rule", "0.21"), ("diff", "0.73")):
        why_not = gate.judge(request, Proposal(change, SITE, source), lambda: False).why_not
        assert why_not is not None and why_not.endswith(f"of {least}")
    for wrong in (
        {}, {**written, "threshold": 2}, {**written, "weights": {"site": "much"}}, {**written, "bias": True},
        {**written, "thresholds": {"token rule": 2}}, {**written, "thresholds": [0.2]},
    ):  # fmt: skip
        file.write_text(json.dumps(wrong))
        with pytest.raises(ModelError, match="no calibration of next edits"):
            open_parts(session)
    file.unlink()
    with pytest.raises(ModelError, match=r"calibration\.json"):
        open_parts(session)


def test_what_changed_in_a_region_is_told_change_by_change() -> None:
    window = Window("x", ["0", "a", "b", "c", "d", "9"], 1, 5, 1)
    assert region_changes(window, ["a", "B", "c", "new", "d"]) == [
        LineChange("x", 2, ("b",), ("B",)), LineChange("x", 4, (), ("new",))
    ]  # fmt: skip
    assert region_changes(window, ["a", "d"]) == [LineChange("x", 2, ("b", "c"), ())]
    assert region_changes(window, ["a", "b", "c", "d"]) == []
