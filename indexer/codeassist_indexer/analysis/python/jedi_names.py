"""jedi, set so that it reads source text and does nothing else, asked about one repository.

Runs in the worker: jedi can raise anything, and it can hang.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jedi
import jedi.inference.gradual.typeshed
import jedi.inference.sys_path
import jedi.settings
import parso.cache
from jedi.api.environment import InterpreterEnvironment, _VersionInfo
from jedi.file_io import FileIO
from jedi.inference.base_value import ValueSet
from jedi.inference.gradual.typeshed import TYPESHED_PATH, PathInfo
from jedi.inference.imports import Importer, load_module_from_path

from codeassist_indexer.analysis.python.jedi_closed import UnsureError
from codeassist_indexer.analysis.python.jedi_places import imports, members, parameters
from codeassist_indexer.analysis.python.patches import Patches


def _prepare_jedi() -> None:
    """Set jedi and its parser so that they read source text and do nothing else.

    jedi never runs a repository's code, but three of its ways would come near to it: it imports some packages by name
    (`auto_import_modules`), it follows `sys.path` changes that a file makes, and it keeps syntax trees as pickles on
    the disk. All three are off.

    Its stubs of other people's packages are off too: what is installed has other names than when they were written.
    Those of the standard library are read as of the newest version, and list the names of all. Relative imports find
    what lies beside them, and nothing else.
    """
    jedi.inference.gradual.typeshed._get_typeshed_directories = lambda version_info: iter([_STANDARD_STUBS])
    jedi.inference.gradual.typeshed.DJANGO_INIT_PATH = Path(jedi.__file__) / "none"
    Importer.follow = _follow_inside
    jedi.settings.auto_import_modules = []
    jedi.settings.allow_unsafe_interpreter_executions = False
    jedi.settings.dynamic_params = False  # what callers pass is a guess at what a parameter may be
    jedi.settings.dynamic_params_for_other_modules = False
    jedi.settings.dynamic_array_additions = False
    jedi.inference.sys_path.check_sys_path_modifications = lambda module_context: []
    parso.cache._save_to_file_system = lambda *arguments, **named: None
    parso.cache._load_from_file_system = lambda *arguments, **named: None
    parso.cache._remove_cache_and_update_lock = lambda *arguments, **named: None


def _follow_inside(self: Importer) -> Any:
    """What jedi finds for an import; for `from .types import` in a folder that is no package, no `types` elsewhere.

    jedi looks for such a module by its bare name, beside the file, and then takes the stub of that name.
    """
    if self._fixed_sys_path is None:
        return _follow(self)
    below = Path(self._fixed_sys_path[0])
    if not self.import_path and any((below / f"__init__{suffix}").is_file() for suffix in (".py", ".pyi")):
        return _package_at(self._inference_state, below)
    found = _follow(self)
    own = [written for value in found for written in (value.non_stub_value_set if value.is_stub() else (value,))]
    return ValueSet(value for value in own if _lies_below(value, below))


def _package_at(state: Any, folder: Path) -> Any:
    """The package that the folder of a repository itself is: jedi takes it for a plain one, and reads no `__init__`.

    Nothing for one that has only a stub. It is known by its path: its name is for whoever cloned it to choose, and may
    be that of an installed package.
    """
    names = (str(folder),)
    known = state.module_cache.get(names)
    if known is not None:
        return known
    written = folder / "__init__.py"
    return ValueSet([load_module_from_path(state, FileIO(written), names, True)] if written.is_file() else [])


def _lies_below(value: Any, folder: Path) -> bool:
    file = value.py__file__() if value.is_module() else None
    return file.is_relative_to(folder) if file is not None else value.api_type == "namespace"


_follow = Importer.follow
_STANDARD_STUBS = PathInfo(str(TYPESHED_PATH / "stdlib"), False)


def _newest(environment: InterpreterEnvironment) -> InterpreterEnvironment:
    """The environment as of the newest Python that jedi knows: the repository's may be newer than this one."""
    environment.version_info = _VersionInfo(3, 99, 0)
    return environment


class JediNames:
    """Finds names in a repository's Python files. `sys_path`: where modules are looked for, in this order."""

    def __init__(self, root: Path, sys_path: list[str], patches: Patches) -> None:
        _prepare_jedi()
        self._root = root
        self._patches = patches
        # This process is the environment: jedi starts no other Python, least of all one that lies in the repository.
        # Compiled modules are imported only from this interpreter's own path (`load_unsafe_extensions=False`), and of
        # that only the standard library is on `sys_path`; `smart_sys_path` would read build files of the repository.
        self._environment = _newest(InterpreterEnvironment())
        self._grammar: Any = self._environment.get_grammar()._hashed
        self._sys_path = sys_path
        self._projects: dict[Path, jedi.Project] = {}
        self._open: tuple[Path, Any] | None = None

    def find(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the names, or why there are none."""
        path = self._root / question["path"]
        project = self._project(path.parent)
        with self._written_at(path):
            script = jedi.Script(question["source"], path=path, project=project, environment=self._environment)
            try:
                return self._found(script, question)
            except UnsureError as unsure:
                return {"unsure": str(unsure)}

    def _found(self, script: Any, question: dict[str, Any]) -> dict[str, Any]:
        line, column = question["line"], question["column"]
        match question["kind"]:
            case "warm":
                state = script._inference_state
                _ = state.builtins_module, state.typing_module  # half a second of parsing, once a process
                return {"names": sorted({name.name for name in script.infer(line, column)})}
            case "import":
                names, doubt = imports(script, line, column, question["statement"])
            case "keyword":
                found = parameters(script, line, column, tuple(question["bracket"]))
                return {**asdict(found), "names": sorted(found.names)}
            case kind:
                names, doubt = members(script, line, column, self._patches, only_cases=kind == "case")
        return {"names": sorted(names), "doubt": doubt}

    @contextmanager
    def _written_at(self, path: Path) -> Iterator[None]:
        """Hold a file's half-written text for what stands in it, until the question is answered.

        jedi would go on to take it for the file, and miss what a torn statement swallowed, in all that import from it.
        The tree is kept for the next question about the same file: what has not changed is not parsed again.
        """
        trees = parso.cache.parser_cache.setdefault(self._grammar, {})
        saved = trees.pop(path, None)
        if self._open is not None and self._open[0] == path:
            trees[path] = self._open[1]
        try:
            yield
        finally:
            if path in trees:
                self._open = path, trees.pop(path)
            if saved is not None:
                trees[path] = saved

    def _project(self, folder: Path) -> jedi.Project:
        """The project as a file in `folder` sees it: of packages of one name, the nearest comes first."""
        known = self._projects.get(folder)
        if known is None:
            around = [str(each) for each in (folder, *folder.parents)]
            ordered = sorted(self._sys_path, key=lambda path: around.index(path) if path in around else len(around))
            known = self._projects[folder] = jedi.Project(
                self._root, sys_path=ordered, smart_sys_path=False, load_unsafe_extensions=False
            )
        return known
