"""What can be imported at a place: from a package or type of Java, from a module of TypeScript or JavaScript.

A package of which it holds no file itself may be anybody's, and a script outside is unknown.
"""

from __future__ import annotations

import re

from codeassist_indexer.analysis.declared.declared_project import DeclaredProject, is_script
from codeassist_indexer.analysis.declared.members import members_of
from codeassist_indexer.analysis.declared.types import DeclaredFile, TypeRef

_JAVA = re.compile(r"import\s+(?P<static>static\s+)?(?P<path>(?:\w+\.)+)\Z")
_FROM = re.compile(r"[^'\"`;]*?\}\s*from\s*(['\"])(?P<module>[^'\"\n]+)\1")


def importable_names(project: DeclaredProject, language: str, path: str, before: str, suffix: str) -> frozenset[str]:
    """Return the names, or none where that is not known."""
    if language == "java":
        return _java(project, path, before)
    return _script(project, language, path, suffix) if is_script(language) else frozenset()


def _java(project: DeclaredProject, path: str, before: str) -> frozenset[str]:
    found = _JAVA.search(before[-400:])
    if found is None:
        return frozenset()
    package = found["path"].rstrip(".")
    here = DeclaredFile(path, "java", (), (), (), {})
    parts = project.named(TypeRef(package), here, 0) if "." in package else []
    if parts:
        members = members_of(project, parts, here)
        if members is None:
            return frozenset()
        wanted = {name for name, owned in members.by_name.items() if any(each.member.is_static for each in owned)}
        nested = {name for name, owned in members.by_name.items() if any(each.member.kind == "type" for each in owned)}
        return frozenset(nested | ((wanted | members.extra) if found["static"] else set()))
    if "." not in package:  # `java.`: a folder of that name is a source root sooner than a package
        return frozenset()
    entries = project.folder_names("java", package)
    if not any(stem for stem, _ in entries):
        return frozenset()
    return frozenset(stem or folder for stem, folder in entries)


def _script(project: DeclaredProject, language: str, path: str, suffix: str) -> frozenset[str]:
    found = _FROM.match(suffix)
    if found is None:
        return frozenset()
    here = DeclaredFile(path, language, (), (), (), {})
    target = project.module_path(here, found["module"])
    names = project.exported_names(target) if target is not None else None
    return frozenset(names | {"type"}) if names else frozenset()
