"""The declared files of a repository, and what a type's name means in one of them.

Texts come from the index, so that what it leaves out (secrets, ignored files) is left out here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path, PurePosixPath

from cachetools import LRUCache
from tree_sitter import Node, Query, QueryCursor

from codeassist_indexer.analysis.declared.msbuild import MSBuildFiles
from codeassist_indexer.analysis.declared.types import DeclaredFile, DeclaredType, TypeRef
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.parsing.imports import import_patterns, read_imports
from codeassist_indexer.languages.parsing.trees import read_tree
from codeassist_indexer.languages.registry import declared_types_of, files_of_import, grammar, parser
from codeassist_indexer.languages.spec import DeclaredTypes
from codeassist_indexer.storage.analysis_reader import (
    are_read,
    augments_type,
    declares_module,
    extension_members,
    file_text,
    files_around_folder,
    files_declaring,
    global_usings,
    has_type_guard,
    names_imported_below,
    static_extensions,
    stored_content,
    types_returning,
    types_with_base,
)
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import PathReader

_MAX_FILES = 400
_MAX_REEXPORTS = 6
_MAX_BASES = 8
_CLASS_SOURCES = words("kt scala")
_NO_TYPES = frozenset({"package-info", "module-info"})


@cache
def _import_query(language: str) -> Query:
    return Query(grammar(language), import_patterns(language))


def rules_of(language: str) -> DeclaredTypes:
    """How the types of a language that is read here are declared."""
    rules = declared_types_of(language)
    assert rules is not None, "files of other languages are not read"
    return rules


def is_script(language: str) -> bool:
    """Whether a language is JavaScript or one that is compiled to it."""
    return rules_of(language).family == "script"


def read_file(path: str, language: str, text: str) -> tuple[DeclaredFile, Node]:
    """Read a text; the node is its tree's root."""
    source = text.encode("utf-8", "surrogatepass")
    root = read_tree(language, source, lambda text: parser(language).parse(text).root_node)
    assert root is not None, "nothing stops this parser"
    captures = QueryCursor(_import_query(language)).captures(root)
    imports = read_imports(language, captures, source)
    return import_module(rules_of(language).reader).read_file(root, path, language, imports), root


class DeclaredProject:
    """Reads files of one repository on demand and keeps the last ones. For any thread."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self._root = root
        self._msbuild = MSBuildFiles(root)
        self._lock = threading.Lock()
        self._files: LRUCache[str, tuple[bytes, DeclaredFile]] = LRUCache(_MAX_FILES)

    def file(self, path: str) -> DeclaredFile | None:
        """Return an indexed file, or None where it is not indexed."""
        stored = stored_content(self._store, path)
        language = None if stored is None else stored.language
        if stored is None or language is None or declared_types_of(language) is None:
            return None
        content_hash = stored.content_hash
        with self._lock:
            known = self._files.get(path)
        if known is not None and known[0] == content_hash:
            return known[1]
        declared, _ = read_file(path, language, file_text(self._store, stored.file_id))
        with self._lock:
            self._files[path] = (content_hash, declared)
        return declared

    def has_unread_part(self, part: DeclaredType) -> bool:
        """Return whether a file that is not indexed lies beside a type's own and is named so: `Type.Generated.cs`.

        What generators write is left out of the index, and what is in it may be another part of the type.
        """
        folder = PurePosixPath(part.path).parent
        named = re.compile(rf"{re.escape(part.name)}(?!\w).*\.cs", re.DOTALL)
        try:
            beside = [each.name for each in (self._root / folder).iterdir() if named.fullmatch(each.name)]
        except OSError:  # the folder is gone: so is what it held
            return False
        return not are_read(self._store, [str(folder / name) for name in beside])

    def defining(self, name: str, language: str) -> list[str]:
        """Return the files that define a type of this name."""
        return files_declaring(self._store, name, rules_of(language).languages)

    def subtypes(self, name: str, language: str) -> Iterator[tuple[str, str, bool]]:
        """Yield the names of types with a base of this name, with what encloses them, and whether they are abstract."""
        for own, parent, signature, kind in types_with_base(self._store, name, language):
            yield own, parent, kind == "interface" or "abstract " in signature

    def extension_members(self) -> frozenset[str]:
        """Return the names of all that the repository's C# gives objects of other types."""
        return extension_members(self._store)

    def static_extensions(self) -> frozenset[str]:
        """Return the names of all that the repository's C# gives other types themselves."""
        return static_extensions(self._store)

    def has_type_guard(self, names: Collection[str]) -> bool:
        """Return whether a function or method of TypeScript with one of these names returns a type predicate."""
        return has_type_guard(self._store, names)

    def usings_around(self, path: str) -> frozenset[str]:
        """Return the namespaces that a file of C# uses though its text does not say so."""
        return frozenset(global_usings(self._store)) | self._msbuild.settings(path).usings

    def takes_released(self, path: str, other: str) -> bool:
        """Return whether the C# project around `path` takes that around `other` as a package that was released."""
        return not self._msbuild.settings(path).packages.isdisjoint(self._msbuild.settings(other).names)

    def package_names(self, package: str, path: str) -> frozenset[str]:
        """Return what stands in a package of Java: its types and sub-packages. Nothing where that is not known.

        A package without a type of the repository's own may be anybody's. One with sources of Kotlin or Scala, or of
        which files other than that at `path` import what it does not hold (a generator makes it from a grammar or
        scheme), has names that stand in none.
        """
        folder = package.replace(".", "/")
        stems: set[str] = set()
        folders: set[str] = set()
        for own, file in files_around_folder(self._store, folder):
            _, marker, rest = f"/{own}/".rpartition(f"/{folder}/")
            stem, _, extension = file.rpartition("/")[2].partition(".")
            if not marker or (extension not in _CLASS_SOURCES and extension != "java"):
                continue
            if rest:
                folders.add(rest.partition("/")[0])
            elif extension != "java":
                return frozenset()
            elif stem not in _NO_TYPES:
                stems.add(stem)
        names = frozenset(stems | folders)
        imported = names_imported_below(self._store, package, "java", path)
        return names if stems and imported <= names else frozenset()

    def is_namespace(self, name: str) -> bool:
        """Whether the repository itself declares a namespace of this name."""
        return declares_module(self._store, name)

    def is_augmented(self, name: str) -> bool:
        """Whether a `declare module` of the repository adds to a type of this name."""
        return augments_type(self._store, name)

    def makers(self, name: str, language: str) -> list[str]:
        """Return the types with a method whose head names this type as what it returns."""
        return types_returning(self._store, name, language)

    def named(self, ref: TypeRef, file: DeclaredFile, byte_offset: int) -> list[DeclaredType]:
        """Return the parts of the type that a name means at a place in `file`; [] for none of the repository's."""
        if is_script(file.language):
            return self._script_type(ref.name, file)
        first, _, rest = ref.name.partition(".")
        found = self._first_part(first, file, byte_offset)
        for part in rest.split(".") if rest else ():
            found = self._nested(found, part, file)
        if not found and rest:  # by its full name
            found = self._by_full_name({ref.name}, ref.name.rpartition(".")[2], file)
        return found

    def exported(self, path: str, name: str, depth: int = 0) -> tuple[str, str] | None:
        """Return the file and the name there of what the module at `path` exports as `name`."""
        file = self.file(path)
        if file is None or depth > _MAX_REEXPORTS:
            return None
        exports = file.exports
        if name in exports.own:
            own = exports.own[name]
            imported = next((each for each in file.imports if each.alias == own), None)
            is_here = own in file.values or any(each.name == own for each in file.types)
            if imported is not None and not is_here:
                return self._follow(file, imported.module, imported.name, depth)
            return path, own
        if name in exports.passed_on:
            module, there = exports.passed_on[name]
            return self._follow(file, module, there, depth)
        for module in exports.stars:
            found = self._follow(file, module, name, depth) if name != "default" else None
            if found is not None:
                return found
        return None

    def exported_names(self, path: str, depth: int = 0) -> set[str] | None:
        """Return all that a module exports, or None where that is not known."""
        file = self.file(path)
        if file is None or depth > _MAX_REEXPORTS or not file.exports.is_known:
            return None
        names = {*file.exports.own, *file.exports.passed_on}
        for module in file.exports.stars:
            there = self.module_path(file, module)
            inner = self.exported_names(there, depth + 1) if there is not None else None
            if inner is None:
                return None
            names |= inner - {"default"}
        return names

    def module_path(self, file: DeclaredFile, module: str) -> str | None:
        """Return the file that a module's name surely means: a path, or one from the root of the sources (`@/a`)."""
        if not module.startswith((".", "@/", "~/", "#/", "src/")):
            return None
        paths = files_of_import(PathReader(self._store), file.path, file.language, Import(module, "*", "", 0))
        return paths[0] if paths else None

    def _follow(self, file: DeclaredFile, module: str, name: str, depth: int) -> tuple[str, str] | None:
        path = self.module_path(file, module)
        return self.exported(path, name, depth + 1) if path is not None and name not in ("", "*") else None

    def _script_type(self, name: str, file: DeclaredFile) -> list[DeclaredType]:
        own = [each for each in file.types if each.name == name]
        if own or "." in name:
            return own
        imported = next((each for each in file.imports if each.alias == name), None)
        if imported is None or imported.name in ("", "*"):
            return []
        found = self._follow(file, imported.module, imported.name, 0)
        there = self.file(found[0]) if found is not None else None
        return (
            [each for each in there.types if each.name == found[1]] if there is not None and found is not None else []
        )

    def _first_part(self, name: str, file: DeclaredFile, byte_offset: int) -> list[DeclaredType]:
        around = file.types_around(byte_offset)
        for outer in around:
            if name in outer.parameters:
                return []
            if outer.name == name:
                return self._all_parts(outer, file)
            nested = [each for each in file.types if each.full_name == f"{outer.full_name}.{name}"]
            if nested:
                return nested
        own = [each for each in file.types if each.qualified_name == name]
        if own:
            return self._all_parts(own[0], file)
        for outer in around:  # what a base holds, the class holds
            for base in outer.bases:
                parts = self.named(base, file, outer.start_byte - 1) if base is not None and base.name != name else []
                nested = self._nested(parts, name, file)
                if nested:
                    return nested
        wanted = set(self._visible_names(name, file, around))
        return self._by_full_name(wanted, name, file)

    def _visible_names(self, name: str, file: DeclaredFile, around: list[DeclaredType]) -> Iterator[str]:
        """The full names that a simple name may stand for; one that is imported by itself is the only one."""
        for imported in file.imports:
            if imported.alias == name and imported.name not in ("", "*"):
                yield f"{imported.module}.{imported.name}" if imported.module else imported.name
                return
        if not file.scope:
            yield name
        for scope in file.scope:
            yield f"{scope}.{name}"
        for imported in file.imports:
            if imported.name == "*":
                yield f"{imported.module}.{name}"
        if file.language == "csharp":
            yield name
            for module in self.usings_around(file.path):
                yield f"{module}.{name}"

    def _by_full_name(self, wanted: set[str], name: str, file: DeclaredFile) -> list[DeclaredType]:
        found: list[DeclaredType] = []
        for path in self.defining(name.rpartition(".")[2] if "." in name else name, file.language):
            there = file if path == file.path else self.file(path)
            found += [each for each in there.types if each.full_name in wanted] if there is not None else []
        names = {each.full_name for each in found}
        if len(names) > 1 or (file.language == "java" and len(found) > 1):
            near = [each for each in found if _same_tree(each.path, file.path)]
            return near if len({each.full_name for each in near}) == 1 and len(near) == 1 else []
        return found

    def _all_parts(self, found: DeclaredType, file: DeclaredFile) -> list[DeclaredType]:
        if file.language != "csharp":
            return [found]
        return self._by_full_name({found.full_name}, found.name, file) or [found]

    def _nested(self, outer: list[DeclaredType], name: str, file: DeclaredFile, depth: int = 0) -> list[DeclaredType]:
        """The type `name` in a type or in what that inherits from."""
        found: list[DeclaredType] = []
        for part in outer:
            there = file if part.path == file.path else self.file(part.path)
            if there is None or depth > _MAX_BASES:
                continue
            found += [each for each in there.types if each.full_name == f"{part.full_name}.{name}"]
            for base in part.bases if not found else ():
                is_loop = base is None or base.name in (part.name, name)
                above = [] if base is None or is_loop else self.named(base, there, part.start_byte - 1)
                found += self._nested(above, name, there, depth + 1)
        return found


def _same_tree(one: str, other: str) -> bool:
    """Whether two paths stand in the same part of a repository: several may hold a class of one name."""
    return one.split("/src/")[0] == other.split("/src/")[0]
