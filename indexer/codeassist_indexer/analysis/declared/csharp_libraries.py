"""What of C# comes from elsewhere than the repository's sources: extension methods of libraries, released packages,
what generators write.

Libraries may add extension methods to any object; those of the base library and of the common frameworks extend types
of their own: sequences, tasks, services.
"""

from __future__ import annotations

from collections.abc import Iterable

from codeassist_indexer.analysis.declared.declared_project import DeclaredProject
from codeassist_indexer.analysis.declared.types import DeclaredFile, DeclaredType
from codeassist_indexer.languages.forms.words import words

_OWN_TYPES_ONLY = words(
    """System Microsoft Windows Xunit NUnit Moq BenchmarkDotNet Newtonsoft Google Amazon Azure Unity UnityEngine
    UnityEditor Internal"""
)


def library_doubt(project: DeclaredProject, file: DeclaredFile) -> str:
    """Return why any object in the file may have extension methods that nobody here knows; "" where it has none."""
    namespaces = {imported.module for imported in file.imports if imported.name == "*"}
    namespaces |= project.usings_around(file.path)
    for namespace in sorted(namespaces):
        own = (namespace, namespace.rpartition(".")[0])  # the second, of a class: `using static`
        if namespace.partition(".")[0] not in _OWN_TYPES_ONLY and not any(map(project.is_namespace, own)):
            return f"extension methods of {namespace}"
    return ""


def version_doubt(project: DeclaredProject, file: DeclaredFile, types: Iterable[DeclaredType]) -> str:
    """Return why types of the repository may be other ones in the file: an example is built with a released version."""
    others = {each.path for each in types} - {file.path}
    return "another version of it" if any(project.takes_released(file.path, each) for each in others) else ""


def unread_part_doubt(project: DeclaredProject, types: Iterable[DeclaredType]) -> str:
    """Return why partial types may have members that no text here tells: a generator wrote a file beside theirs."""
    partial = [each for each in types if each.is_partial]
    return "a part that is generated" if any(project.has_unread_part(each) for each in partial) else ""
