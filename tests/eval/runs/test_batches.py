"""Batches of tasks on this machine: the same answers as one at a time, whatever stands in a batch together."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Job, completions
from codeassist.errors import SettingsError
from codeassist.progress import silent
from codeassist.request import Completion, CompletionRequest, NoRetriever
from codeassist_eval.cli import experiment
from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.engines.local_engine import local_engine
from codeassist_eval.metrics.beginnings_curve import LEAST
from codeassist_eval.runs.batches import BatchedSession
from codeassist_eval.runs.run_folder import Record, read_records
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.completer import PipelineCompleter
from tests.eval.fakes import row, write_rows
from tests.tiny_models import CODE, save_model

NUM_TASKS = 7
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    save_model(folder / "tiny", "qwen2", max_position_embeddings=1024)
    (folder / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(folder / 'tiny'))}\n")
    demo = folder / "repos" / "demo"
    demo.mkdir(parents=True)
    rows = []
    for number in range(NUM_TASKS):
        at = 150 + 90 * number
        name = f"file_{number % 3}.py"
        (demo / name).write_text(CODE)
        prompt, truth = CODE[:at], CODE[at : at + 9].strip() or "x"
        made = {"prompt": prompt, "groundtruth": truth, "right_context": CODE[at + 9 :], "metadata__file": name}
        rows.append(row(f"demo/{number}", **made))
    write_rows(folder / "tasks.jsonl", rows)
    return folder


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CODEASSIST_HOME", str(home))
    monkeypatch.setattr(experiment, "write_report", lambda path, runs: None)

    def invoke(out: Path, *options: str) -> Result:
        arguments = (
            "run", "--tasks", str(home / "tasks.jsonl"), "--repos", str(home / "repos"), "--model", "tiny",
            "--set", "model.context_tokens=300", "--max-new-tokens", "12", "--out", str(out), "--json", *options,
        )  # fmt: skip
        return CliRunner().invoke(eval_group, arguments)

    return invoke


def answers(out: Path) -> dict[str, tuple[object, ...]]:
    def told(record: Record) -> tuple[object, ...]:
        used = [(one.path, one.start_line, one.num_tokens) for one in record.snippets]
        confidence = None if record.confidence is None else round(record.confidence, 4)
        return record.pred, record.raw_text, record.finish_reason, record.num_prompt_tokens, used, confidence

    return {task_id: told(record) for task_id, record in read_records(out / "predictions.jsonl").items()}


@pytest.mark.parametrize("options", [("--context", "none"), ("--context", "repocoder", "--max-lines", "1")])
def test_a_batch_answers_as_one_at_a_time(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    alone, together = run(tmp_path / "alone", *options), run(tmp_path / "together", *options, "--batch", "4")

    assert alone.exit_code == together.exit_code == 0, together.output
    assert answers(tmp_path / "together") == answers(tmp_path / "alone")
    assert len(answers(tmp_path / "alone")) == NUM_TASKS
    for record in read_records(tmp_path / "alone" / "predictions.jsonl").values():
        assert "".join(token.text for token in record.tokens) == record.raw_text
        mean = prod(token.probability for token in record.tokens) ** (1 / max(len(record.tokens), 1))
        assert record.confidence is None or mean == pytest.approx(record.confidence, rel=0.05)
    told = CliRunner().invoke(eval_group, ["confidence", str(tmp_path / "alone"), "--json"])
    assert told.exit_code == 0, told.output
    (whole, *_), (_, *cut) = json.loads(told.stdout)["beginnings"].values()
    assert whole["least"] is None and len(cut) == len(LEAST) and {each["num_cut"] for each in cut} == {0}
    metrics = json.loads(together.stdout)
    assert 0 <= metrics["harness"]["share"] < 1
    assert json.loads((tmp_path / "together" / "manifest.json").read_text())["batch"] == 4


def test_an_answer_depends_on_its_prompt_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last bit of its confidence, though what prompts share is read once: in whole passes."""
    monkeypatch.setenv("CODEASSIST_HOME", str(home))
    limits = Limits(8, None)
    session = local_engine("tiny", ("model.context_tokens=700",), limits, silent).open_session(silent)
    session.engine.speculate = False
    code = (CODE * 3)[:2600]
    texts = [code[:1500], code[:2200], code[:2231], code[200:900], code[:1900] + "x = 1\n" + code[:300]]
    asked = [CompletionRequest("a.py", text, "", limits.max_new_tokens, limits.max_lines) for text in texts]
    alone = [PipelineCompleter(BatchedSession(session, 1)).complete(request, NoRetriever()) for request in asked]
    assert all(256 < completion.trace.num_prompt_tokens < 700 for completion in alone[:3])

    for size, order in ((1, (0, 1, 2, 3, 4)), (1, (4, 2, 1, 3, 0)), (2, (2, 0, 4, 1, 3)), (5, (3, 4, 2, 1, 0))):
        batched = BatchedSession(session, size)
        num_cached = 0
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            jobs = [Job(asked[n], NoRetriever(), DocumentState("a.py")) for n in chosen]
            for number, (_, found) in zip(chosen, completions(batched, jobs), strict=True):
                assert isinstance(found, Completion)
                assert (found.raw_text, found.confidence) == (alone[number].raw_text, alone[number].confidence)
                num_cached += found.trace.num_cached_tokens
        assert num_cached >= 256 and num_cached % 256 == 0
        plain = session.complete(asked[0], NoRetriever())
        assert (plain.raw_text, plain.confidence) == (alone[0].raw_text, alone[0].confidence)


def test_a_run_goes_on_with_another_size(run: Run, tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", "--context", "none")
    assert run(tmp_path / "out", "--context", "none", "--batch", "3").exit_code == whole.exit_code == 0
    path = tmp_path / "out" / "predictions.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))

    assert run(tmp_path / "out", "--context", "none", "--batch", "2").exit_code == 0

    assert answers(tmp_path / "out") == answers(tmp_path / "whole")


def test_batches_are_exact(run: Run, tmp_path: Path) -> None:
    result = run(tmp_path / "out", "--context", "none", "--batch", "2", "--set", "cache.mode=live")

    assert isinstance(result.exception, SettingsError) and "--batch" in str(result.exception)
