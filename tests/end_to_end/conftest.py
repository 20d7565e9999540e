"""The real program in a process of its own, on a repository of two files, with a tiny random model of the user's own.

Each test has its own CODEASSIST_HOME; the model's file is made once. A process that a test starts by itself imports
PyTorch, as a user's does; those of `Program.run` are forked from one that has.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end import forked_runs
from tests.tiny_models import build_model, save_gguf

MAIN = "from codeassist.cli import main; main()"
SOURCES = Path(__file__).parents[2]
CURSOR = "src/app.py:4:12"


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str

    def fails(self, code: int, message: str) -> None:
        """Check that it failed with one line that says `message`, and nothing on stdout."""
        assert (self.code, self.out) == (code, ""), self
        assert self.err.startswith("codeassist: error: ") and self.err.count("\n") == 1, self.err
        assert message in self.err, self.err

    def completes(self) -> None:
        """Check that it printed a completion, and nothing on stderr but notices."""
        assert self.code == 0, self
        assert all(line.startswith("codeassist: ") for line in self.err.splitlines()), self.err
        assert "Traceback" not in self.err


@dataclass(frozen=True)
class Program:
    """`codeassist` with everything of its own below `home`, run in `root`."""

    home: Path
    root: Path
    model: Path

    def run(self, *arguments: str, stdin: str = "", most_file_bytes: int | None = None, program: str = MAIN) -> Done:
        """Run a command to its end. It fails to write more than `most_file_bytes` of a file, as on a full disk."""
        return Done(*forked_runs.run(program, arguments, self.root, self.environment(), stdin, most_file_bytes))

    def command(self, *arguments: str, program: str = MAIN) -> Sequence[str]:
        return [sys.executable, "-c", program, *arguments]

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(str(SOURCES / part) for part in (".", "indexer", "lsp", "eval"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CODEASSIST_")}
        return kept | {"CODEASSIST_HOME": str(self.home), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}

    def configure(self, model: Path, more: str = "") -> None:
        """Name the model in the user's settings; `more` are further lines of its entry."""
        self.home.mkdir(exist_ok=True)
        (self.home / "config.toml").write_text(
            "[model]\nname = 'own'\nthreads = 1\ncontext_tokens = 512\n[completion]\nmax_new_tokens = 8\n"
            "[monitor]\ndeadline_ms = 10_000\n"  # what is slow here is the machine
            f"[models.own]\ngguf = {json.dumps(str(model))}\n{more}\n",
            encoding="utf-8",
        )

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the repository."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def leftovers(self) -> list[str]:
        """Return what an interrupted conversion would leave: folders beside the finished ones."""
        return [path.name for path in (self.home / "cache" / "weights").glob(".*")]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    save_gguf(path, "qwen2", build_model("qwen2", max_position_embeddings=1024))
    return path


@pytest.fixture
def program(tmp_path: Path, tiny_model: Path) -> Program:
    """The program in a repository where `src/app.py` wants a name that stands in `src/shapes.py`; CURSOR is there."""
    made = Program(tmp_path / "home", tmp_path / "repo", tmp_path / "tiny.gguf")
    shutil.copyfile(tiny_model, made.model)
    made.configure(made.model)
    (made.root / ".git").mkdir(parents=True)
    made.write("src/shapes.py", "def polygon_area(points):\n    return sum(points)\n")
    made.write("src/app.py", "from src import shapes\n\ndef show(points):\n    shapes.\n")
    return made
