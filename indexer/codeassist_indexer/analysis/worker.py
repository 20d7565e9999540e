"""The process that analyses: questions and answers are lines of JSON on its standard input and output.

It may be killed at any time: it holds nothing that cannot be made again.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from codeassist.errors import CodeAssistError
from codeassist_indexer.analysis.declared.names import DeclaredNames
from codeassist_indexer.analysis.python.jedi_names import JediNames
from codeassist_indexer.analysis.python.patches import Patches
from codeassist_indexer.languages.registry import is_read_by_jedi
from codeassist_indexer.storage.store import Store
from codeassist_indexer.workers.confinement import confine

_MEMORY_BYTES = 3 << 30


def main() -> None:
    """Answer questions until standard input ends. The first line says what may be read and where modules are."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints must not speak between the answers
    lines: queue.Queue[str] = queue.Queue()
    setup = json.loads(sys.stdin.readline())
    store = Store(Path(setup["database"]), is_read_only=True)
    with contextlib.suppress(CodeAssistError):  # a broken index: each question that needs it says so
        store.counts()  # opens its files, which cannot be opened later
    confine([setup["root"], *setup["sys_path"]], _MEMORY_BYTES)
    threading.Thread(target=_read, args=(sys.stdin, lines), daemon=True).start()
    answer = _Answers(Path(setup["root"]), setup["sys_path"], store)
    while True:
        question = json.loads(lines.get())
        output.write(json.dumps({"id": question["id"], **answer(question)}) + "\n")
        output.flush()


def _read(stream: TextIO, lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    os._exit(0)  # nobody waits for an answer any more, however long it may take


class _Answers:
    """Answers questions about files of one repository. What one language needs is loaded with its first question."""

    def __init__(self, root: Path, sys_path: list[str], store: Store) -> None:
        self._root = root
        self._sys_path = sys_path
        self._store = store
        self._declared = DeclaredNames(store, root)
        self._jedi: JediNames | None = None

    def __call__(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the names and what found them, or why there are none."""
        try:
            if is_read_by_jedi(question["language"]):
                return self._python(question)
            arguments = (question[name] for name in ("language", "path", "kind", "before", "suffix"))
            found = self._declared.find(*arguments)
            return {"names": sorted(found.names), "doubt": found.doubt} if found.names else {"unsure": found.source}
        except RecursionError:
            return {"unsure": "nested too deeply"}
        except Exception as error:  # noqa: BLE001  jedi raises anything for code that nobody wrote like that before
            return {"error": f"{type(error).__name__}: {error}"[:500]}

    def _python(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._jedi is None:
            self._jedi = JediNames(self._root, self._sys_path, Patches(self._store))
        return self._jedi.find(question)


if __name__ == "__main__":
    main()
