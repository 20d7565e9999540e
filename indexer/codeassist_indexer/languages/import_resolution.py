"""Which files of the repository an import means, for each language that is indexed.

Knows only paths: a module is found by its name, and of several the one whose path ends as the import is written and
that shares the longest path with the importing file. What a file defines is looked up elsewhere.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from codeassist_indexer.languages.parsed import Import


class Queries(Protocol):
    """What is asked: a `Store`, or one that remembers what it was asked."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a reading statement."""
        ...


@dataclass(frozen=True, slots=True)
class Remembering:
    """Asks a store the same question once only: the imports of one file ask for the same modules again and again."""

    store: Queries
    _known: dict[tuple[str, tuple[object, ...]], list[tuple[Any, ...]]] = field(
        default_factory=dict[tuple[str, tuple[object, ...]], list[tuple[Any, ...]]]
    )

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a reading statement, which nobody may change."""
        key = (sql, tuple(parameters))
        rows = self._known.get(key)
        if rows is None:
            rows = self._known[key] = self.store.query(sql, parameters)
        return rows

    def ask_ahead(self, sql: str, together: str, questions: Iterable[tuple[str, ...]]) -> None:
        """Ask `sql` for each of the questions with one query, `together`.

        It takes their list as JSON, and gives before each row of an answer the place of its question.
        """
        asked = [question for question in dict.fromkeys(questions) if (sql, question) not in self._known]
        if not asked:
            return
        answers: list[list[tuple[Any, ...]]] = [[] for _ in asked]
        for place, *row in self.store.query(together, (json.dumps(asked),)):
            answers[place].append(tuple(row))
        for question, rows in zip(asked, answers, strict=True):
            self._known[(sql, question)] = sorted(rows)


_BY_MODULE = "SELECT path FROM files WHERE module_name = ? AND instr(path, ?) ORDER BY path"
_BY_MODULES = (
    "SELECT j.key, f.path FROM json_each(?) j CROSS JOIN files f ON f.module_name = json_extract(j.value, '$[0]')"
    " AND instr(f.path, json_extract(j.value, '$[1]'))"
)
_BY_FOLDER = "SELECT path, folder FROM files WHERE folder_name = ? AND instr(folder, ?) ORDER BY path"
_BY_FOLDERS = (
    "SELECT j.key, f.path, f.folder FROM json_each(?) j CROSS JOIN files f ON f.folder_name ="
    " json_extract(j.value, '$[0]') AND instr(f.folder, json_extract(j.value, '$[1]'))"
)
_MAX_FILES = 40  # of a package that is imported as a whole


def ask_ahead(asked: Remembering, language: str, imports: Iterable[Import]) -> None:
    """Ask with two queries what `files_of_import` will ask one by one of these imports, as far as it can be told."""
    if language != "python":
        return
    modules: list[tuple[str, ...]] = []
    for each in imports:
        if not each.module.startswith("."):
            parts = tuple(each.module.split("."))
            modules += [parts] if each.name in ("", "*") else [parts, (*parts, each.name)]
    questions = [(parts[-1], "/".join(parts)) for parts in modules if parts[-1]]
    asked.ask_ahead(_BY_MODULE, _BY_MODULES, questions)
    asked.ask_ahead(_BY_FOLDER, _BY_FOLDERS, [each for each in questions if not asked.query(_BY_MODULE, each)])


def files_of_import(store: Queries, path: str, language: str, imported: Import) -> list[str]:
    """Return the files in which the imported name may be defined, the likeliest first; [] for what is not here."""
    resolve = _RESOLVERS.get(language)
    return resolve(store, path, imported) if resolve is not None else []


def python_module_files(store: Queries, path: str, module: str) -> list[str]:
    """Return the file of a Python module as `path` would import it; for a namespace package, the files in it."""
    rest = module.lstrip(".")
    parts = rest.split(".") if rest else []
    num_dots = len(module) - len(rest)
    if num_dots:
        folder = path.split("/")[:-num_dots]
        return _python_in_folder(store, [*folder, *parts])
    if not parts:
        return []
    candidates = _paths_by_module(store, parts, ".py", ".pyi")
    found = [c for c in candidates if _ends_with(_python_module_path(c), parts)]
    return _nearest(found, path)[:1] or _nearest(_package_files(store, parts, (".py",)), path)


def _python(store: Queries, path: str, imported: Import) -> list[str]:
    found = python_module_files(store, path, imported.module)
    if imported.name not in ("", "*"):
        dot = "" if imported.module.endswith(".") else "."
        submodule = python_module_files(store, path, f"{imported.module}{dot}{imported.name}")
        found = [*found, *submodule[:1]]
    return found


def _python_in_folder(store: Queries, parts: Sequence[str]) -> list[str]:
    base = "/".join(parts)
    inside = f"{base}/" if base else ""
    names = [f"{inside}__init__.py", f"{inside}__init__.pyi"] + ([f"{base}.py", f"{base}.pyi"] if base else [])
    return _existing(store, names)


def _python_module_path(path: str) -> list[str]:
    stem = path.rpartition(".")[0]
    return stem.removesuffix("/__init__").split("/")


def _script(store: Queries, path: str, imported: Import) -> list[str]:
    """TypeScript and JavaScript: relative paths with any extension, index files, and aliases such as "@/lib/x"."""
    module = imported.module
    if module.startswith("."):
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
        return _existing(store, _script_names(base))[:1]
    parts = [part for part in module.lstrip("@~").split("/") if part]
    if len(parts) < 2:
        return []
    stem = parts[-1].partition(".")[0]
    candidates = _paths_by_module(
        store, [*parts[:-1], stem], ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"
    )
    tail = [*parts[:-1], stem]
    found = [c for c in candidates if _ends_with(c.rpartition(".")[0].removesuffix("/index").split("/"), tail)]
    return _nearest(found, path)[:1]


def _script_names(base: str) -> list[str]:
    extensions = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
    stem, extension = posixpath.splitext(base)
    bases = [base, stem] if extension in (".js", ".jsx", ".mjs", ".cjs") else [base]
    return [base, *(f"{b}{e}" for b in bases for e in extensions), *(f"{base}/index{e}" for e in extensions)]


def _java(store: Queries, path: str, imported: Import) -> list[str]:
    """`a.b.Type` is a/b/Type.java under some source root; `a.b.*` the files of that package; statics, of their type."""
    parts = [part for part in (*imported.module.split("."), imported.name) if part and part != "*"]
    for end in range(len(parts), max(0, len(parts) - 3), -1):  # Type, then Outer.Inner, then a static member
        candidates = _paths_by_module(store, parts[:end], ".java")
        found = [c for c in candidates if _ends_with(c.removesuffix(".java").split("/"), parts[:end])]
        if found:
            return _nearest(found, path)[:1]
    return _nearest(_package_files(store, parts, (".java",)), path)[:_MAX_FILES] if imported.name == "*" else []


def _csharp(store: Queries, path: str, imported: Import) -> list[str]:
    """`using A.B;` names a namespace, which folders usually follow: the folder B, nearest to the file."""
    parts = [part for part in imported.module.split(".") if part]
    for begin in range(len(parts)):  # the first parts are often the assembly's name, which no folder has
        found = _package_files(store, parts[begin:], (".cs",))
        if found:
            return _nearest(found, path)[:_MAX_FILES]
    return []


def _go(store: Queries, path: str, imported: Import) -> list[str]:
    """An import path ends with the package's folder; what stands before it is the module's name."""
    parts = [part for part in imported.module.strip('"`').split("/") if part]
    folders = store.query("SELECT DISTINCT folder FROM files WHERE folder_name = ?", (parts[-1],)) if parts else []
    fitting = [folder for (folder,) in folders if _shared_end(folder.split("/"), parts) > 0]
    best = max(fitting, key=lambda folder: (_shared_end(folder.split("/"), parts), folder), default=None)
    if best is None:
        return []
    return [c for c in _in_folder(store, best, (".go",)) if not c.endswith("_test.go")][:_MAX_FILES]


def _rust(store: Queries, path: str, imported: Import) -> list[str]:
    """`crate::`, `self::` and `super::` from the file's own place; another crate of the workspace by its name."""
    parts = [part for part in imported.module.replace("::", "/").split("/") if part]
    if imported.name not in ("", "*"):
        parts.append(imported.name)
    if not parts:
        return []
    here = path.split("/")
    head, rest = parts[0], parts[1:]
    if head == "crate":
        base = here[: _last_index(here, "src") + 1] if "src" in here else here[:-1]
    elif head in ("self", "super"):
        base = here[:-1] if here[-1] in ("mod.rs", "lib.rs", "main.rs") else [*here[:-1], here[-1].removesuffix(".rs")]
        while rest[:1] == ["super"] or head == "super":
            base = base[:-1]
            head, rest = ("", rest) if head == "super" else ("", rest[1:])
    else:
        roots = _paths_by_module(store, ["lib"], ".rs")
        own = [r for r in roots if r.split("/")[-3:-2] in ([head], [head.replace("_", "-")])]
        if not own:
            return []
        base = own[0].split("/")[:-1]
    names: list[str] = []
    for end in range(len(rest), -1, -1):
        stem = "/".join([*base, *rest[:end]])
        names += [f"{stem}.rs", f"{stem}/mod.rs"] + ([f"{stem}/lib.rs", f"{stem}/main.rs"] if end == 0 else [])
    return _existing(store, names)[:2]


def _c(store: Queries, path: str, imported: Import) -> list[str]:
    """An include: next to the file first, else any path that ends as written."""
    written = imported.module.strip('"<>')
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), written))
    found = _existing(store, [beside])
    if found:
        return found
    parts = [part for part in written.split("/") if part not in ("", ".", "..")]
    if not parts:
        return []
    extension = posixpath.splitext(parts[-1])[1]
    candidates = _paths_by_module(store, [*parts[:-1], parts[-1].partition(".")[0]], extension)
    return _nearest([c for c in candidates if _ends_with(c.split("/"), parts)], path)[:1]


_RESOLVERS: dict[str, Callable[[Queries, str, Import], list[str]]] = {
    "python": _python, "java": _java, "typescript": _script, "tsx": _script, "javascript": _script,
    "csharp": _csharp, "go": _go, "rust": _rust, "c": _c, "cpp": _c,
}  # fmt: skip


def _existing(store: Queries, paths: Sequence[str]) -> list[str]:
    """Return those of `paths` that are indexed, in the given order."""
    rows = store.query("SELECT path FROM files WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(paths),))
    present = {row[0] for row in rows}
    return [path for path in paths if path in present]


def _paths_by_module(store: Queries, parts: Sequence[str], *extensions: str) -> list[str]:
    """Return the files of modules named `parts[-1]` in whose paths `parts` stand together."""
    rows = store.query(_BY_MODULE, (parts[-1], "/".join(parts)))
    return [path for (path,) in rows if path.endswith(extensions)]


def _package_files(store: Queries, parts: Sequence[str], extensions: tuple[str, ...]) -> list[str]:
    """Return the files directly in any folder whose path ends with `parts`."""
    if not parts:
        return []
    rows = store.query(_BY_FOLDER, (parts[-1], "/".join(parts)))
    return [path for path, folder in rows if path.endswith(extensions) and _ends_with(folder.split("/"), parts)]


def _in_folder(store: Queries, folder: str, extensions: tuple[str, ...]) -> list[str]:
    name = folder.rpartition("/")[2]
    rows = store.query("SELECT path FROM files WHERE folder_name = ? AND folder = ? ORDER BY path", (name, folder))
    return [path for (path,) in rows if path.endswith(extensions)]


def _ends_with(path_parts: Sequence[str], parts: Sequence[str]) -> bool:
    return list(path_parts[-len(parts) :]) == list(parts)


def _shared_end(folder: Sequence[str], parts: Sequence[str]) -> int:
    """Return how many parts of `folder`, if it is the end of `parts` or ends with them in part, agree from the end."""
    count = 0
    for one, other in zip(reversed(folder), reversed(parts), strict=False):
        if one != other:
            break
        count += 1
    return count


def _nearest(paths: Iterable[str], to: str) -> list[str]:
    """Sort by how long the shared beginning of the path is, `src` layouts first, then short paths, then by name."""

    listed = list(paths)
    if len(listed) < 2:
        return listed
    folders = to.split("/")[:-1]

    def distance(path: str) -> tuple[int, bool, int, str]:
        parts = path.split("/")
        num_shared = 0
        for one, other in zip(folders, parts, strict=False):
            if one != other:
                break
            num_shared += 1
        return (-num_shared, "src" not in parts, len(parts), path)

    return sorted(listed, key=distance)


def _last_index(parts: Sequence[str], name: str) -> int:
    return len(parts) - 1 - list(reversed(parts)).index(name)
