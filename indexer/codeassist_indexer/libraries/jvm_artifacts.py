"""Java, Kotlin and Scala: source jars of what Maven and Gradle builds name, in the folders where these keep them.

Builds are not run: pom.xml is searched for dependencies, Gradle's files and version catalogs for what is written as
"group:name:version". A version that is not written is the newest that lies there. What an artifact's own pom needs is
needed too. Source jars are there where somebody has fetched them, as editors do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.jvm_packages import package_of
from codeassist_indexer.libraries.manifests import changed, inside, manifests, path_named, table, text_of, toml_of
from codeassist_indexer.libraries.package import InstalledPackage
from codeassist_indexer.libraries.source_jars import opened_jar

_BUILD_FILES = ("pom.xml", "libs.versions.toml", "gradle.lockfile")
_GRADLE = (".gradle", ".gradle.kts", ".sbt")
_MOST_ARTIFACTS = 400
_MOST_STEPS = 4
_MOST_VERSIONS = 200
_MOST_TEXT_CHARS = 256 << 10
_MOST_PACKAGES = 400  # of one jar
_COORDINATE = re.compile(r"[A-Za-z0-9_][\w.-]{0,120}")
_WRITTEN = re.compile(r"(?<![\w.:-])([A-Za-z][\w.-]{1,120}):([A-Za-z][\w.-]{1,120})(?::([\w.+-]{1,60}))?(?![\w:])")
_BY_NAME = re.compile(
    r"group\s{0,3}[:=]\s{0,3}[\"']([\w.-]{1,120})[\"'],\s{0,9}name\s{0,3}[:=]\s{0,3}[\"']([\w.-]{1,120})[\"']"
    r"(?:,\s{0,9}version\s{0,3}[:=]\s{0,3}[\"']([\w.+-]{1,60})[\"'])?"
)
_SBT = re.compile(r"\"([\w.-]{1,120})\"\s{1,3}%%?\s{1,3}\"([\w.-]{1,120})\"\s{1,3}%\s{1,3}\"([\w.+-]{1,60})\"")
_TAG = re.compile(r"<(groupId|artifactId|version|scope|optional)>\s*([^<>\s]{1,200})\s*</\1>")
_PROPERTY = re.compile(r"<([\w.-]{1,100})>\s*([^<>\s]{1,100})\s*</\1>")
_OWN_USE = re.compile(r"<scope>\s*(?:test|provided)\s*<|<optional>\s*true\s*<")
_VARIABLE = re.compile(r"\$\{([\w.-]{1,100})\}")
_MODULE = re.compile(r"<module>\s*([^<>\n]{1,300}?)\s*</module>")
_INCLUDED = re.compile(r"(?:includeBuild|file)\s{0,3}\(?\s{0,3}[\"']([^\"'\n]{1,300})[\"']")
_SOURCE_ROOTS = frozenset({"java", "kotlin", "scala", "src", "main", "test", "source", "sources"})


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a build names: `version` is "" where the build leaves it to something else."""

    group: str
    name: str
    version: str


class JvmInstallation:
    """The source jars of what a repository's builds name, and of what that needs."""

    ecosystem = "jvm"

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._root = root
        home = environ.get("HOME") or environ.get("USERPROFILE") or ""
        gradle = environ.get("GRADLE_USER_HOME") or (f"{home}/.gradle" if home else "")
        self._maven = Path(home) / ".m2" / "repository" if home else None
        self._gradle = Path(gradle) / "caches" / "modules-2" / "files-2.1" if gradle else None

    def stamp(self) -> str:
        """Return the builds' files with the times of their changes, and where what they name lies."""
        folders = [path for each in self._named for path in self._folders(each)]
        return "\n".join(changed([*self._files, *folders]))

    def projects(self) -> Sequence[Path]:
        """Return the modules and included builds that lie outside of the repository."""
        found: list[Path] = []
        for file in self._files:
            pattern = _MODULE if file.name == "pom.xml" else _INCLUDED if file.name.startswith("settings.") else None
            for written in pattern.findall(text_of(file)[:_MOST_TEXT_CHARS]) if pattern is not None else ():
                path = path_named(file.parent, written)
                if path is not None and inside(self._root, path) is None:
                    found.append(path.parent if path.name == "pom.xml" else path)
        return list(dict.fromkeys(found))

    def provides(self, index: IndexedPaths, imported: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Return the packages of which the repository has files; nothing need be said of where these are."""
        packages = dict.fromkeys(package_of(module) for module, _ in imported)
        return {package: {} for package in packages if package and _has_package(index, package)}

    def packages(self, modules: Iterable[str]) -> Iterator[InstalledPackage]:
        """Yield the jars that have the packages of these imports; of several, the one that the build names first."""
        wanted = dict.fromkeys(filter(None, map(package_of, modules)))
        for artifact, jar, names in self._jars:
            folders = dict.fromkeys(name.rpartition("/")[0] for name in names)
            offered = list(dict.fromkeys(_package_in(folder) for folder in folders))
            if wanted.keys().isdisjoint(offered):
                continue
            files = {name: name for name in sorted(names, key=lambda name: (name.count("/"), name))}
            first = [package for package in wanted if package in offered]
            modules_of = tuple(dict.fromkeys([*first, *offered]))[:_MOST_PACKAGES]
            label = f"{artifact.group}:{artifact.name}"
            yield InstalledPackage("jvm", label, artifact.version, modules_of, jar, files, is_archive=True)

    @cached_property
    def _files(self) -> list[Path]:
        return manifests(self._root, _BUILD_FILES, _GRADLE)

    @cached_property
    def _named(self) -> list[Artifact]:
        """What the builds name, without what they make themselves."""
        texts = {path: text_of(path)[:_MOST_TEXT_CHARS] for path in self._files}
        poms = {path: text for path, text in texts.items() if path.name == "pom.xml"}
        properties = dict(each for text in poms.values() for each in _PROPERTY.findall(_part(text, "properties")))
        own = {artifact.name for text in poms.values() for artifact in [_own_artifact(text)] if artifact is not None}
        named = [each for text in poms.values() for each in dependencies_of_pom(text, properties)]
        for path, text in texts.items():
            if path.name == "libs.versions.toml":
                named += _of_catalog(path)
            elif path.name != "pom.xml":
                found = [*_WRITTEN.findall(text), *_BY_NAME.findall(text), *_SBT.findall(text)]
                named += [Artifact(*each) for each in found]
        versions = {(each.group, each.name): each.version for each in reversed(named) if each.version}
        unique = dict.fromkeys((each.group, each.name) for each in named if each.name not in own)
        return [Artifact(*key, versions.get(key, "")) for key in unique][:_MOST_ARTIFACTS]

    @cached_property
    def _jars(self) -> list[tuple[Artifact, Path, tuple[str, ...]]]:
        """The source jars that are there, with what is in them: of what the builds name, then of what that needs."""
        found: list[tuple[Artifact, Path, tuple[str, ...]]] = []
        step, seen = list(self._named), {(each.group, each.name) for each in self._named}
        for _ in range(_MOST_STEPS):
            further: list[Artifact] = []
            for each in step:
                folder = self._version_folder(each)
                if folder is None:
                    continue
                placed = Artifact(each.group, each.name, folder.name)
                jar = next(_files_in(folder, f"{each.name}-{folder.name}-sources.jar"), None)
                if jar is not None:
                    with opened_jar(jar) as opened:
                        if opened is not None and opened.names:
                            found.append((placed, jar, tuple(opened.names)))
                for pom in _files_in(folder, f"{each.name}-{folder.name}.pom"):
                    text = text_of(pom)[:_MOST_TEXT_CHARS]
                    properties = dict(_PROPERTY.findall(_part(text, "properties")))
                    further += dependencies_of_pom(_needed_by_others(text), properties)
            step = []
            for each in further:
                if (each.group, each.name) not in seen and len(seen) < _MOST_ARTIFACTS:
                    seen.add((each.group, each.name))
                    step.append(each)
        return found

    def _folders(self, artifact: Artifact) -> list[Path]:
        """Return the folders in which an artifact's versions lie, as far as they are there."""
        if not (_COORDINATE.fullmatch(artifact.group) and _COORDINATE.fullmatch(artifact.name)):
            return []
        group = artifact.group.split(".")
        if "" in group or artifact.name.strip(".") == "":
            return []
        maven = [] if self._maven is None else [self._maven.joinpath(*group) / artifact.name]
        gradle = [] if self._gradle is None else [self._gradle / artifact.group / artifact.name]
        return [path for path in (*maven, *gradle) if path.is_dir()]

    def _version_folder(self, artifact: Artifact) -> Path | None:
        """Return the folder of the version that is named, else of the newest; one with sources before one without."""
        versions = [path for folder in self._folders(artifact) for path in _subfolders(folder)]
        named = [path for path in versions if path.name == artifact.version]
        best = [(_has_sources(artifact, path), _numbers(path.name), path) for path in named or versions]
        return max(best, key=lambda each: each[:2])[2] if best and (named or not artifact.version) else None


def dependencies_of_pom(text: str, properties: Mapping[str, str]) -> Iterator[Artifact]:
    """Yield the dependencies that a pom.xml names for building and running, also those that it only manages."""
    for piece in text.split("<dependency>")[1 : _MOST_ARTIFACTS + 1]:
        said = dict(reversed(_TAG.findall(piece.partition("</dependency>")[0])))
        if said.get("scope") in ("system", "import") or "groupId" not in said or "artifactId" not in said:
            continue
        version = _VARIABLE.sub(lambda match: properties.get(match[1], "${}"), said.get("version", ""))
        group = _VARIABLE.sub(lambda match: properties.get(match[1], "${}"), said["groupId"])
        yield Artifact(group, said["artifactId"], "" if "$" in version else version.strip("[]()"))


def _own_artifact(text: str) -> Artifact | None:
    """Return what a pom.xml is the pom of."""
    head = text.partition("<dependencies>")[0].partition("<dependencyManagement>")[0]
    before, _, behind = head.partition("<parent>")
    said = dict(reversed(_TAG.findall(before + behind.partition("</parent>")[2])))
    return Artifact(said.get("groupId", ""), said["artifactId"], "") if "artifactId" in said else None


def _needed_by_others(text: str) -> str:
    """Return a pom.xml with the dependencies alone that who depends on it gets."""
    before, _, behind = text.partition("<dependencyManagement>")
    first, *pieces = (before + behind.partition("</dependencyManagement>")[2]).split("<dependency>")
    return "<dependency>".join([first, *(piece for piece in pieces if not _OWN_USE.search(piece))])


def _part(text: str, tag: str) -> str:
    return text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]


def _of_catalog(path: Path) -> Iterator[Artifact]:
    """Yield what Gradle's version catalog names."""
    said = toml_of(path)
    versions = table(said.get("versions"))
    for each in table(said.get("libraries")).values():
        if isinstance(each, str):
            yield from (Artifact(*found) for found in _WRITTEN.findall(each))
            continue
        named = table(each)
        module, version, group, name = (named.get(key) for key in ("module", "version", "group", "name"))
        if isinstance(module, str):
            group, _, name = module.partition(":")
        known = versions.get(str(table(version).get("ref"))) if isinstance(version, dict) else version
        if isinstance(group, str) and isinstance(name, str):
            yield Artifact(group, name, known if isinstance(known, str) else "")


def _has_package(index: IndexedPaths, package: str) -> bool:
    parts = package.split(".")
    for _, folder in index.by_folder(parts[-1], "/".join(parts)):
        before = folder.split("/")[: -len(parts)]
        is_end = folder.split("/")[-len(parts) :] == parts
        if is_end and (not before or before[-1] in _SOURCE_ROOTS or before[-1].endswith("Main")):
            return True
    return bool(index.declaring(package))


def _package_in(folder: str) -> str:
    """Return the package of a folder of a source jar; those for several platforms have a folder for each."""
    first, _, rest = folder.partition("/")
    return (rest if first.endswith("Main") else folder).replace("/", ".")


def _has_sources(artifact: Artifact, folder: Path) -> bool:
    return next(_files_in(folder, f"{artifact.name}-{folder.name}-sources.jar"), None) is not None


def _files_in(folder: Path, name: str) -> Iterator[Path]:
    """Yield a file of a version: in its folder (Maven), or in one named by its digest (Gradle)."""
    if (folder / name).is_file():
        yield folder / name
    yield from (each / name for each in _subfolders(folder) if (each / name).is_file())


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as scan:
            entries = [each for each, _ in zip(scan, range(_MOST_VERSIONS), strict=False)]
            return [Path(each.path) for each in entries if each.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]
