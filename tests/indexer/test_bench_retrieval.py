"""`codeassist bench retrieval` on a small tree: the figures are all there and add up."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from codeassist_indexer.bench_retrieval import main
from codeassist_indexer.candidates.candidate import SOURCES


def test_the_command_measures_every_source(tmp_path: Path) -> None:
    for number in range(4):
        text = "\n\n".join(f"def made_{number}_{n}(value):\n    return other_{n}(value)\n" for n in range(4))
        (tmp_path / f"module_{number}.py").write_text(f"from module_{number - 1} import *\n\n{text}", encoding="utf-8")
    asked = ["--repos", str(tmp_path), "--chunks", "300", "--requests", "8", "--deadline-ms", "60000", "--json"]
    result = CliRunner().invoke(main, asked, catch_exceptions=False)
    figures = json.loads(result.stdout)
    assert figures["num_chunks"] >= 300 and figures["num_requests"] == 8 and figures["deadline_ms"] == 60_000
    assert figures["candidates_mean"] > 0 and 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert 0 < figures["processor_p50_ms"] <= figures["processor_p95_ms"]
    assert set(figures["stages"]) == {*SOURCES, "text"}
    assert figures["late_percent"] == 0 and all(each["late_percent"] == 0 for each in figures["stages"].values())
