"""The soak test: thousands of edits and requests on three open documents of one real server process.

    python -m tests.lsp.soak --gguf MODEL.gguf

Every request must be answered, by items or by "cancelled", the server must come to rest with nothing under way, its
memory must be flat once it is warm, and nothing may stand on its stderr. Exit code 0 only if all of that is true.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import click
import psutil
from pygls.exceptions import JsonRpcException
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.lsp.editor import CANCELLED, Editor, environment_of, within

PATHS = ("src/shapes.py", "src/report.py", "src/wide.py")
PIECES = (
    "x",
    "y",
    "n",
    "value",
    "(",
    ")",
    " = ",
    ", ",
    ".",
    ":",
    "\n",
    "\n    ",
    "# ",
    "é",
    "漢",
    "😀",
    "return ",
    "def f(a):\n    ",
)
MOST_CHARS = 6_000
WARM = 0.25  # of the requests: until then caches fill up
MOST_GROWTH = 0.05
_LINE_END = re.compile(r"\r\n|\n|\r")


class Text:
    """What a document says, as the client knows it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    def position(self, offset: int) -> tuple[int, int]:
        starts = [0, *(match.end() for match in _LINE_END.finditer(self.text[:offset]))]
        return len(starts) - 1, len(self.text[starts[-1] : offset].encode("utf-16-le")) // 2


@click.command()
@click.option("--gguf", type=click.Path(path_type=Path, exists=True), required=True, help="A small model.")
@click.option("--edits", "num_edits", default=10_000, show_default=True)
@click.option("--requests", "num_requests", default=2_000, show_default=True)
@click.option("--seed", default=20261121, show_default=True)
def main(gguf: Path, num_edits: int, num_requests: int, seed: int) -> None:
    """Soak a server."""
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(asyncio.run(soak(gguf, num_edits, num_requests, seed, Path(scratch))))


async def soak(gguf: Path, num_edits: int, num_requests: int, seed: int, scratch: Path) -> int:
    print(f"seed {seed}")
    rng = random.Random(seed)
    home, root = scratch / "home", scratch / "repo"
    for folder in (home, root / ".git", root / "src"):
        folder.mkdir(parents=True)
    settings = "[model]\nname = 'soak'\ncontext_tokens = 256\n[completion]\nmax_new_tokens = 4\n"
    named = f"[models.soak]\ngguf = {json.dumps(str(gguf.absolute()))}\n"
    (home / "config.toml").write_text(f"{settings}[editor]\nmultiline = 'never'\n{named}", encoding="utf-8")
    source = Path(__file__).read_text(encoding="utf-8")
    texts = [Text(path, source[: MOST_CHARS // (n + 1)]) for n, path in enumerate(PATHS)]
    for text in texts:
        (root / text.path).write_text(text.text, encoding="utf-8")
    editor = Editor([sys.executable, "-m", "codeassist.cli", "serve", "--stdio"], root, environment_of(home))
    await (await editor.start()).ready()
    for text in texts:
        editor.open(text.path, text.text)
    answers: Counter[str] = Counter()
    under_way: set[asyncio.Task[None]] = set()
    memory: list[int] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("requests", total=num_requests)
        for number in range(num_requests):
            text = rng.choice(texts)
            cursor = 0
            for _ in range(num_edits * (number + 1) // num_requests - num_edits * number // num_requests):
                cursor = edit(editor, text, rng)
            line, column = text.position(cursor)
            asked = asyncio.create_task(ask(editor, text.path, line, column, rng.random() < 0.7, answers))
            under_way.add(asked)
            asked.add_done_callback(under_way.discard)
            if rng.random() < 0.5:
                await asked
            else:
                await asyncio.sleep(rng.random() * 0.05)
            memory.append(rss(editor.process.pid))
            bar.update(task, completed=number + 1, description=f"{memory[-1] / (1 << 20):,.0f} MiB")
        await asyncio.gather(*under_way)
    status = await editor.idle()
    code, errors = await editor.stop()
    warm = memory[int(len(memory) * WARM) :]
    half = len(warm) // 2
    growth = max(warm[half:]) / max(warm[:half]) - 1
    print(f"{num_edits:,} edits, {sum(answers.values()):,} of {num_requests:,} requests answered: {dict(answers)}")
    print(f"server: {status['requests']}")
    print(
        f"memory: {warm[0] / (1 << 20):,.0f} MiB when warm, at most {max(warm) / (1 << 20):,.0f}; growth {growth:+.1%}"
    )
    problems = [
        *(["a request was not answered"] if sum(answers.values()) != num_requests else []),
        *(["a request failed"] if answers["failed"] else []),
        *([f"memory grew by {growth:.1%}"] if growth > MOST_GROWTH else []),
        *([f"exit code {code}"] if code != 0 else []),
        *([f"stderr: {errors}"] if errors else []),
    ]
    print("; ".join(problems) or "all is well")
    return 1 if problems else 0


def edit(editor: Editor, text: Text, rng: random.Random) -> int:
    """Change something somewhere; return where the cursor stands then."""
    start = rng.randrange(len(text.text) + 1)
    too_long = len(text.text) > MOST_CHARS
    end = min(len(text.text), start + (rng.randrange(400) if too_long else rng.choice([0, 0, 0, 1, 3])))
    inserted = "" if too_long else rng.choice(PIECES)
    editor.edit(text.path, text.position(start), text.position(end), inserted)
    text.text = text.text[:start] + inserted + text.text[end:]
    return start + len(inserted)


async def ask(editor: Editor, path: str, line: int, column: int, automatic: bool, answers: Counter[str]) -> None:
    number, answer = editor.begin(path, line, column, automatic)
    try:
        items: Any = await within(answer)
        answers["items" if items.items else "nothing to show"] += 1
    except JsonRpcException as error:
        answers["cancelled" if error.code == CANCELLED else "failed"] += 1
    except TimeoutError:
        print(f"{number} was not answered")


def rss(pid: int) -> int:
    """Resident bytes of a process."""
    return int(psutil.Process(pid).memory_info().rss)


if __name__ == "__main__":
    main()
