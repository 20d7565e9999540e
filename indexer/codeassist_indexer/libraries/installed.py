"""What finds installed packages: one installation an ecosystem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from codeassist_indexer.libraries.cargo_crates import CargoInstallation
from codeassist_indexer.libraries.dotnet_projects import DotnetInstallation
from codeassist_indexer.libraries.go_modules import GoInstallation
from codeassist_indexer.libraries.jvm_artifacts import JvmInstallation
from codeassist_indexer.libraries.node_packages import NodeInstallation
from codeassist_indexer.libraries.package import Installation
from codeassist_indexer.libraries.python_packages import PythonInstallation

ECOSYSTEMS: Mapping[str, Callable[[Path], Installation]] = {
    "python": PythonInstallation,
    "npm": NodeInstallation,
    "go": GoInstallation,
    "cargo": CargoInstallation,
    "jvm": JvmInstallation,
    "dotnet": DotnetInstallation,
}
"""By the name that `LibraryImports.ecosystem` says; each is given a repository's root."""
