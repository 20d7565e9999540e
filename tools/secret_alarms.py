"""How often redaction alarms on files that hold few secrets, and how long it takes.

python tools/secret_alarms.py FOLDER…

Prints each alarm with --show, so that its kind can be judged. Only text of up to 1 MB is read, as in an index.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from codeassist_indexer.secrets.redaction import redact

_SUFFIXES = frozenset({
    ".py", ".pyi", ".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".java", ".kt", ".go", ".rs", ".c", ".h", ".cc",
    ".cpp", ".hpp", ".cs", ".rb", ".php", ".sh", ".json", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".md", ".rst",
    ".txt", ".html", ".css",
})  # fmt: skip
_MOST_BYTES = 1_000_000


def main(arguments: list[str]) -> None:
    """Measure the folders named."""
    num_files = num_lines = num_alarms = num_bytes = 0
    seconds = 0.0
    for file, text in _texts([Path(each) for each in arguments if not each.startswith("--")]):
        started = time.process_time()
        redaction = redact(text, file.name)
        seconds += time.process_time() - started
        num_files += 1
        num_lines += text.count("\n") + 1
        num_alarms += len(redaction.lines)
        num_bytes += len(text.encode())
        if "--show" in arguments:
            lines = text.split("\n")
            for number in redaction.lines:
                print(f"{file}:{number}: {lines[number - 1].strip()[:200]!a}")
    share = 100 * num_alarms / max(1, num_lines)
    ms = 1e8 * seconds / max(1, num_bytes)
    print(
        f"{num_files:,} files, {num_lines:,} lines, {num_alarms:,} alarms ({share:.4f} %), {ms:.1f} ms (CPU) for 100 KB"
    )


def _texts(folders: list[Path]) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for above, _, names in os.walk(folder):
            for file in (Path(above, name) for name in names if Path(name).suffix in _SUFFIXES):
                if file.is_symlink() or file.stat().st_size > _MOST_BYTES:
                    continue
                try:
                    yield file, file.read_text("utf-8")
                except UnicodeDecodeError:
                    continue


if __name__ == "__main__":
    main(sys.argv[1:])
