"""An oracle that knows nothing of static analysis: the names that installed modules and classes have at run time.

`dir()` runs in a process that is thrown away, of the environment that is active. Only for evaluation: the product runs
nothing of what it analyses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from codeassist.request import CompletionRequest
from codeassist_eval.analysis.check import AnalysisFigures, PlaceRecord
from codeassist_eval.errors import EvaluationError
from codeassist_indexer.analysis.service import RepositoryAnalysisService, TextAnalysis
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.store import Store, database_path

_DEADLINE_S = 60.0
_IMPORT_S = 120.0
_SCRIPT = """
import importlib, inspect, json, sys
sys.path[:0] = json.loads(sys.argv[1])
for name in sys.argv[2:]:
    try:
        module = importlib.import_module(name)
        classes = {}
        for key, value in sorted(vars(module).items()):
            own = inspect.isclass(value) and value.__module__.partition(".")[0] == name.partition(".")[0]
            if own and not key.startswith("_"):
                classes[key] = dir(value)
        print(json.dumps({"module": name, "names": dir(module), "classes": classes}), flush=True)
    except BaseException as error:
        print(json.dumps({"module": name, "problem": repr(error)[:200]}), flush=True)
"""


@dataclass(frozen=True, slots=True)
class RuntimeNames:
    """What a module has at run time, or one of its classes: public names only."""

    module: str
    class_name: str | None
    names: frozenset[str]

    def questions(self) -> Iterator[tuple[str, str]]:
        """Texts that end where any of the names may stand, each with what people call it."""
        if self.class_name is None:
            yield "import", f"from {self.module} import "
            yield "module", f"import {self.module}\n\n{self.module}."
            return
        head = f"from {self.module} import {self.class_name}\n\n\n"
        yield "class", f"{head}{self.class_name}."
        yield "instance", f"{head}def use(value: {self.class_name}) -> None:\n    value."


def runtime_names(modules: Sequence[str], environment: Path | None) -> list[RuntimeNames]:
    """Import modules in a process of their own and list their names. One that cannot be imported is left out.

    `environment`: of which the packages are, None: this one's. Raises EvaluationError where the process says nothing.
    """
    python, paths = Path(sys.executable), list[str]()
    if environment is not None:
        own = [environment / "bin" / "python", environment / "Scripts" / "python.exe"]
        python = next((path for path in own if path.exists()), python)
        paths = [str(path) for path in sorted(environment.glob("lib/python3*/site-packages"))]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), "-I", "-c", _SCRIPT, json.dumps(paths), *modules]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_IMPORT_S, check=False)
    found: list[RuntimeNames] = []
    for line in done.stdout.splitlines():
        if not line.startswith('{"module"'):
            continue  # what a module prints while it is imported
        entry = json.loads(line)
        if "names" in entry:
            found.append(RuntimeNames(entry["module"], None, _public(entry["names"])))
            found += [RuntimeNames(entry["module"], name, _public(each)) for name, each in entry["classes"].items()]
    if not found:
        raise EvaluationError(f"none of {', '.join(modules)} can be imported: {done.stderr.strip()[-300:]}")
    return found


def check_runtime(found: Sequence[RuntimeNames]) -> AnalysisFigures:
    """Ask an analysis of the active environment for what each may be followed by.

    A place is wrong where any name that is really there is not among the allowed ones.
    """
    figures = AnalysisFigures()
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "repository"
        folder.mkdir()
        store = Store(database_path(folder, Path(base)))
        update_index(store, folder)
        analyst = RepositoryAnalysisService(folder, store, _DEADLINE_S)
        try:
            for each in found:
                for kind, text in each.questions():
                    figures.add(_asked(each, kind, analyst.analyse(CompletionRequest("use.py", text, "\n")), text))
        finally:
            analyst.close()
            store.close()
    return figures


def _asked(asked: RuntimeNames, kind: str, analysis: object, text: str) -> PlaceRecord:
    assert isinstance(analysis, TextAnalysis)
    place = analysis.place(text)
    assert place is not None, text
    began = perf_counter()
    found = analysis.found(text, place)
    answer_ms = (perf_counter() - began) * 1e3
    names = found.names or frozenset[str]()
    missing = sorted(asked.names - names)
    where = asked.module if asked.class_name is None else f"{asked.module}.{asked.class_name}"
    return PlaceRecord(
        key=f"{where} {kind}",
        language="python",
        kind=kind,
        strength="unknown" if found.names is None else found.strength,
        why=found.source if found.names is None else found.doubt,
        holds=not missing,
        num_names=len(names),
        is_keyword=False,
        is_counted=False,
        answer_ms=answer_ms,
        where=where,
        line=", ".join(missing[:10]),
        some=tuple(sorted(names)[:10]),
    )


def active_environment() -> Path | None:
    """The virtual environment that is active, as the analysis sees it."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    return Path(active) if active else None


def _public(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name for name in names if name.isidentifier() and not name.startswith("_"))
