"""Typing a name: what is asked with how many of its letters, and which answers are right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.errors import EvaluationError
from codeassist_eval.typing.typed_names import TypedName
from tests.eval.fakes import row, write_rows
from tests.tiny_models import CODE, save_model


def test_right_is_the_whole_name_and_no_more_of_it() -> None:
    def right(num_typed: int, answer: str) -> bool:
        return TypedName("t", "messages", num_typed, answer, None, 1, 1.0).is_right

    assert right(0, "messages)") and right(3, "sages") and right(3, "sages[0]")
    assert not right(0, "message)") and not right(3, "messages") and not right(3, "sages_left") and not right(3, "")


def test_each_name_is_asked_for_with_none_and_with_some_of_its_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)
    save_model(tmp_path / "tiny", "qwen2", max_position_embeddings=1024)
    (tmp_path / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(tmp_path / 'tiny'))}\n")
    (tmp_path / "repos" / "demo").mkdir(parents=True)
    (tmp_path / "repos" / "demo" / "main.py").write_text(CODE)
    rows = [
        row("long", prompt=CODE[:90] + "\nself.", groundtruth="read_lines(1)"),
        row("short", prompt=CODE[:90] + "\nself.", groundtruth="abcd(1)"),
        row("none", prompt="print(", groundtruth=")"),
    ]

    def run(rows: list[dict[str, object]], *more: str) -> str:
        arguments = (
            "typed-names", "--tasks", str(write_rows(tmp_path / "tasks.jsonl", rows)),
            "--repos", str(tmp_path / "repos"), "--model", "tiny", "--set", "model.context_tokens=300", *more,
        )  # fmt: skip
        return CliRunner().invoke(eval_group, arguments, catch_exceptions=False).stdout

    found = json.loads(run(rows, "--json", "--out", str(tmp_path / "out")))
    assert [(each["typed"], each["names"]) for each in found["rows"]] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert [each["read_tokens_p50"] for each in found["rows"][1:]] == [1.0, 1.0, 1.0], "letters read nothing anew"
    lines = (tmp_path / "out" / "answers.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["num_typed"] for line in lines] == [0, 1, 2, 3]
    with pytest.raises(EvaluationError, match="no task's truth begins with a name of 5 letters"):
        run(rows[1:])
