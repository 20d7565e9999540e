"""CodeBLEU, as RepoBench computes it: by the package `codebleu`, in an environment of its own.

The package needs tree-sitter below 0.23 and cannot stand beside our grammars, hence the other Python.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from codeassist.processes import child_environment, child_folder
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.score import Score
from codeassist_eval.runs.run import Judgement
from codeassist_eval.tasks.task import Language, Task

# Equal weights and no tokenizer of its own, as `codebleu_score` of RepoBench's evaluation/metrics.py.
_PROGRAM = """
import json, sys
from codebleu import calc_codebleu
given = json.load(sys.stdin)
found = calc_codebleu(given["targets"], given["predictions"], given["language"], (0.25,) * 4, tokenizer=None)
print(json.dumps(found["codebleu"]))
"""


def codebleu(python: Path, language: Language, predictions: Sequence[str], targets: Sequence[str]) -> float:
    """Return CodeBLEU of all predictions together, in percent with two decimals.

    `python` is the interpreter of an environment that has `codebleu`. Raise `EvaluationError` where it does not run.
    """
    texts = {
        "predictions": [_clean(text) for text in predictions],
        "targets": [_clean(text) for text in targets],
        "language": "c_sharp" if language == "csharp" else language,
    }
    try:
        done = subprocess.run(
            [python.absolute(), "-I", "-W", "ignore", "-c", _PROGRAM],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=False,
            cwd=child_folder([python]),
            env=child_environment(),
        )
    except OSError as error:
        raise EvaluationError(f"{python}: cannot be run (--codebleu-python): {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise EvaluationError(
            f"{python}: CodeBLEU failed there: {said}; install codebleu and tree-sitter-{language}==0.21.* into it"
        )
    return round(float(done.stdout.strip().splitlines()[-1]) * 100, 2)


def with_codebleu(judgement: Judgement, tasks: Sequence[Task], python: Path) -> Judgement:
    """Return the judgement with `codebleu` among its metrics: the mean over languages, weighted by their tasks."""
    by_language: dict[Language, list[Score]] = {}
    for task in tasks:
        by_language.setdefault(task.language, []).append(judgement.scores[task.task_id])
    weighted = 0.0
    for language, scores in by_language.items():
        value = codebleu(python, language, [score.judged for score in scores], [score.target for score in scores])
        weighted += value * len(scores)
    return replace(judgement, metrics={**judgement.metrics, "codebleu": round(weighted / len(tasks), 2)})


def _clean(text: str) -> str:
    """Drop carriage returns, as officially, and lone surrogates, on which the package fails."""
    return text.replace("\r", "").encode("utf-8", "replace").decode("utf-8")
