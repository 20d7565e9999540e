"""What MSBuild's files say of the C# sources around them: usings of all files, packages that are taken as released.

The index does not hold these files: they are read where they lie, those in a source's folder and above it, within the
repository. Conditions are not looked at: what one file says anywhere counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cachetools import LRUCache

_USING = re.compile(r"<Using\b[^>]*\bInclude\s*=\s*[\"'](?P<name>[^\"']+)")
_PACKAGE = re.compile(r"<(?:Package)?Reference\b[^>]*\bInclude\s*=\s*[\"']\s*(?P<name>[^\"',]+)")
_PROJECT = re.compile(r"<ProjectReference\b[^>]*\bInclude\s*=\s*[\"'](?P<path>[^\"']+)")
_OWN_NAME = re.compile(r"<(?:PackageId|AssemblyName)>\s*(?P<name>[\w.-]+)\s*<")
_ENDINGS = (".csproj", ".props", ".targets")
_MOST_BYTES = 1 << 20
_MOST_FOLDERS = 4_000


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What holds for the sources in a folder. `names`: of the package that they become."""

    usings: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


class MSBuildFiles:
    """Reads those of one repository and keeps what they said, by folder, as long as its files stay as they are."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: LRUCache[PurePosixPath, _Folder] = LRUCache(_MOST_FOLDERS)

    def settings(self, path: str) -> ProjectSettings:
        """Return what holds for the source at a path of the repository: of the nearest project, and of all above."""
        return self._of_folder(PurePosixPath(path).parent)

    def _of_folder(self, folder: PurePosixPath) -> ProjectSettings:
        above = self._of_folder(folder.parent) if folder != folder.parent else ProjectSettings()
        own = self._in_folder(folder)
        is_project = bool(own.names)
        return ProjectSettings(
            own.usings | above.usings,
            own.packages if is_project else own.packages | above.packages,
            own.names if is_project else above.names,
        )

    def _in_folder(self, folder: PurePosixPath) -> ProjectSettings:
        known = self._known.get(folder)
        try:
            if known is None or known.times != _times((known.path, *known.files)):
                path = self._root / folder
                files = sorted(each for each in path.iterdir() if each.suffix in _ENDINGS and each.is_file())
                known = _Folder(path, tuple(files), _times((path, *files)), _read(files))
                self._known[folder] = known
        except OSError:  # a folder that is gone, or may not be read, says nothing
            return ProjectSettings()
        return known.settings


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder's own files with the times of the last change of it and of these, and what they say."""

    path: Path
    files: tuple[Path, ...]
    times: tuple[int, ...]
    settings: ProjectSettings


def _times(paths: tuple[Path, ...]) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns for path in paths)


def _read(files: list[Path]) -> ProjectSettings:
    usings: set[str] = set()
    packages: set[str] = set()
    names: set[str] = set()
    for file in files:
        text = file.read_bytes()[:_MOST_BYTES].decode("utf-8", "replace")
        usings.update(_USING.findall(text))
        own = {path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] for path in _PROJECT.findall(text)}
        packages.update({name.strip() for name in _PACKAGE.findall(text)} - own)
        if file.suffix == ".csproj":
            names.update((file.stem, *_OWN_NAME.findall(text)))
    return ProjectSettings(frozenset(usings), frozenset(packages), frozenset(names))
