"""`make trace` in a process of its own: figures and walks of one edit and one completion."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# How many of our modules a message may run through; what is more, a reader of docs/architecture.md has to walk.
MOST_MODULES = {"didChange": 15, "inlineCompletion": 69}


def test_an_edit_and_a_completion_are_walked_through_few_modules() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "trace_requests.py"], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    walks = re.findall(r"(\w+): (\d+) modules, (\d+) switches\n(.*?)\n\n", done.stdout, re.DOTALL)
    assert [name for name, *_ in walks] == list(MOST_MODULES), done.stdout
    for name, num_modules, num_switches, walk in walks:
        steps = walk.splitlines()
        assert len(steps) == int(num_modules) <= MOST_MODULES[name], walk
        assert int(num_switches) >= int(num_modules) - 1
        for step in steps:
            module = step.split()[1]
            folder = {"codeassist_indexer": "indexer", "codeassist_lsp": "lsp"}.get(module.split("/")[0], "")
            assert (ROOT / folder / f"{module}.py").is_file(), step
    edit, completion = (walk for *_, walk in walks)
    assert "handlers/text_document" in edit and "completion/session" not in edit
    assert "retrieval/retrieve" in completion and "engine/decoding/decode" in completion
