"""The places that settings come from, read once and merged.

They say what was asked for, not whether this machine can do it.

Later places win: defaults, the user's config.toml, the repository's .codeassist.toml, CODEASSIST_<SECTION>_<KEY> in
the environment, the editor's or the command line's options. Each place has an author (`authors`), and here alone a
value is refused whose author may not make that setting.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from codeassist.errors import SettingsError
from codeassist.settings.authors import Author, misplaced
from codeassist.settings.mistakes import asked, short, shown
from codeassist.settings.ownership import is_inside, is_of_another
from codeassist.settings.removed import REMOVED, removal_note
from codeassist.settings.sections import (
    MODEL_RULES,
    RULES,
    SECTIONS,
    Folders,
    Settings,
    UserModel,
    is_path,
    standard_places,
)
from codeassist.settings.toml_file import read_toml

REPOSITORY_FILE = ".codeassist.toml"
_MOST_PROBLEMS = 10  # that one place is told of
_PREFIX = "CODEASSIST_"
# Variables of ours that are no settings.
_OTHER_VARIABLES = (
    "CODEASSIST_HOME", "CODEASSIST_CONFIG", "CODEASSIST_API_KEY", "CODEASSIST_NETWORK_TESTS", "CODEASSIST_BENCH",
)  # fmt: skip
_OTHER_PREFIXES = ("CODEASSIST_TEST_", "CODEASSIST_BENCH_")
_SOURCES = ("gguf", "folder", "hub")
ReadToml = Callable[[Path], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Override:
    """One setting from an option. A text is read as the setting's kind; `where` names the option in messages."""

    key: str
    value: object
    where: str
    author: Author = Author.USER


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings in force, for each `section.key` the place that its value comes from, and what was left out.

    `resolve` leaves out only what would let more leave the machine than the user said, and settings that are gone.
    """

    settings: Settings
    origins: Mapping[str, str]
    problems: tuple[str, ...] = ()


def locate(environment: Mapping[str, str] | None = None) -> Folders:
    """Say where configuration, data and caches live, as the environment has it."""
    environment = os.environ if environment is None else environment
    places = standard_places()
    if home := environment.get("CODEASSIST_HOME"):
        root = Path(home).expanduser().absolute()
        places = Folders(root / "config.toml", root / "data", root / "cache", root / "cache" / "run")
    elif (runtime := Path(environment.get("XDG_RUNTIME_DIR", ""))).is_absolute():
        places = dataclasses.replace(places, run=runtime / "codeassist")
    if config := environment.get("CODEASSIST_CONFIG"):
        places = dataclasses.replace(places, config_file=Path(config).expanduser().absolute())
    return places


def resolve(
    repository: Path | None = None,
    overrides: Sequence[Override] = (),
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Read every place once and merge them. Raises SettingsError for what is unknown, misplaced or does not fit."""
    return _resolve(repository, overrides, environment, _refuse, read_toml)


def salvage(
    repository: Path | None = None,
    overrides: Sequence[Override] = (),
    environment: Mapping[str, str] | None = None,
    read: ReadToml | None = None,
) -> Resolved:
    """As `resolve`, for a program that must not stop: what is wrong is left out and named in `problems`.

    `read` takes the place of `read_toml`.
    """
    problems: list[str] = []
    found = _resolve(repository, overrides, environment, lambda error: problems.append(str(error)), read or read_toml)
    return dataclasses.replace(found, problems=(*problems, *found.problems))


def _resolve(
    repository: Path | None,
    overrides: Sequence[Override],
    environment: Mapping[str, str] | None,
    take: Callable[[SettingsError], None],
    read: ReadToml,
) -> Resolved:
    variables = os.environ if environment is None else environment
    places = locate(variables)
    merge = _Merge(places.config_file, take, read)
    if variables.get("CODEASSIST_CONFIG") and not places.config_file.is_file():
        take(SettingsError(f"CODEASSIST_CONFIG names {places.config_file}, which is no file; create it or unset it"))
    merge.read_user_file(places.config_file)
    if repository is not None:
        merge.read_repository_file(repository)
    merge.read_environment(variables)
    merge.read_overrides(overrides)
    notes = (*merge.notes, *merge.keep_at_home(), *(removal_note(where, keys) for where, keys in merge.removed.items()))
    return Resolved(merge.settings(places), merge.origins, notes)


def _refuse(error: SettingsError) -> None:
    raise error


def defaults(environment: Mapping[str, str] | None = None) -> Resolved:
    """Return the defaults, in the places that the environment names: what is left when a setting is wrong."""
    places = locate(environment)
    merge = _Merge(places.config_file)
    return Resolved(merge.settings(places), merge.origins)


@dataclass(slots=True)
class _Merge:
    """What the places read so far add up to. `take` is handed each mistake: it raises, or what is wrong is left out."""

    config_file: Path
    take: Callable[[SettingsError], None] = _refuse
    read: ReadToml = read_toml
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    origins: dict[str, str] = field(default_factory=lambda: dict.fromkeys(RULES, "default"))
    notes: list[str] = field(default_factory=list[str])
    models: dict[str, UserModel] = field(default_factory=dict[str, UserModel])
    num_problems: Counter[str] = field(default_factory=Counter[str])
    by_user: dict[str, Any] = field(default_factory=dict[str, Any])  # the last value that the user gave each setting
    removed: dict[str, list[str]] = field(default_factory=dict[str, list[str]])  # by the place that sets them

    def settings(self, places: Folders) -> Settings:
        sections: dict[str, Any] = {}
        for section, owner in SECTIONS.items():
            keys = {entry.name: f"{section}.{entry.name}" for entry in dataclasses.fields(owner)}
            sections[section] = owner(**{name: self.values[key] for name, key in keys.items() if key in self.values})
        return Settings(**sections, models=self.models, places=places)

    @contextlib.contextmanager
    def leaving_out_what_is_wrong(self, where: str) -> Generator[None, None, None]:
        """Hand a mistake to `take`: the first few of each place, and then one word that there are more."""
        try:
            yield
        except SettingsError as error:
            self.num_problems[where] += 1
            if self.num_problems[where] <= _MOST_PROBLEMS:
                self.take(error)
            elif self.num_problems[where] == _MOST_PROBLEMS + 1:
                self.take(SettingsError(f"{where}: more is wrong there; correct these first"))

    def read_user_file(self, file: Path) -> None:
        if not file.exists():
            return
        for section, key, value in self._entries(file):
            with self.leaving_out_what_is_wrong(str(file)):
                if section == "models":
                    self.models[key] = _user_model(key, value, file)
                    self.origins[f"models.{key}"] = str(file)
                else:
                    self._put(f"{section}.{key}", value, str(file))

    def read_repository_file(self, repository: Path) -> None:
        file = repository / REPOSITORY_FILE
        if not file.is_symlink() and not file.exists():
            return
        if not is_inside(file, repository):
            self.take(SettingsError(f"{file}: leads out of the repository; replace the link by a file"))
            return
        if is_of_another(file):
            self.notes.append(
                f"{file}: is another user's and not read; take over what you want of it in a file of yours"
            )
            return
        entries = [(f"{section}.{key}", value) for section, key, value in self._entries(file)]
        for key, value in self._allowed(entries, str(file), Author.REPOSITORY):
            with self.leaving_out_what_is_wrong(str(file)):
                self._put(key, value, str(file), Author.REPOSITORY)

    def read_overrides(self, overrides: Sequence[Override]) -> None:
        for (where, author), group in itertools.groupby(
            overrides, key=lambda override: (override.where, override.author)
        ):
            entries = [(override.key, override.value) for override in group]
            for key, value in self._allowed(entries, where, author):
                with self.leaving_out_what_is_wrong(where):
                    self.put_text_or_value(key, value, where, author)

    def keep_at_home(self) -> tuple[str, ...]:
        """Take back, where text may go to a server, what would let more of it go than the user said; name it."""
        if self.values.get("remote.url") is None:
            return ()
        notes: list[str] = []
        for key, rule in RULES.items():
            if rule.reach is None or key not in self.values:
                continue
            own = self.by_user.get(key, rule.default)
            if rule.reach(self.values[key]) > rule.reach(own):
                notes.append(
                    f"{self.origins[key]}: {key} = {self.values[key]!r} would send more to remote.url than your own "
                    f"{own!r}, which holds; set it in {self.config_file} if you want that"
                )
                self.values[key], self.origins[key] = own, f"yours (not {self.origins[key]}: it would send more)"
        return tuple(notes)

    def _allowed(
        self, entries: Iterable[tuple[str, object]], where: str, author: Author
    ) -> Iterator[tuple[str, object]]:
        """Yield the entries that `author` may make, and report all others together."""
        refused: list[str] = []
        for key, value in entries:
            if _is_misplaced(key, value, author):
                refused.append("models" if key.startswith("models.") else key)
            else:
                yield key, value
        if refused:
            with self.leaving_out_what_is_wrong(where):
                raise misplaced(where, author, refused, self.config_file)

    def _entries(self, file: Path) -> Iterator[tuple[str, str, object]]:
        document: dict[str, object] = {}
        with self.leaving_out_what_is_wrong(str(file)):
            document = self.read(file)
        for section in document:
            table: dict[str, object] = {}
            with self.leaving_out_what_is_wrong(str(file)):
                table = _table(file, document, section)
            for key, value in table.items():
                yield section, key, value

    def read_environment(self, variables: Mapping[str, str]) -> None:
        known = {_variable(key): key for key in RULES}
        removed = {_variable(key): key for key in REMOVED}
        for name, value in sorted(variables.items()):
            if not name.startswith(_PREFIX) or name in _OTHER_VARIABLES or name.startswith(_OTHER_PREFIXES):
                continue
            if name not in known and name not in removed:  # another version's, or another program's: no reason to stop
                self.notes.append(f"environment: unknown variable {name} has no effect; {asked(name, known, _PREFIX)}")
                continue
            with self.leaving_out_what_is_wrong("environment"):
                self.put_text_or_value(known.get(name) or removed[name], value, f"environment {name}")

    def put_text_or_value(self, key: str, value: object, where: str, author: Author = Author.USER) -> None:
        if isinstance(value, str) and key in RULES:
            try:
                value = RULES[key].kind.from_text(value)
            except ValueError:
                raise _misfit(key, value, where) from None
        self._put(key, value, where, author)

    def _put(self, key: str, raw: object, where: str, author: Author = Author.USER) -> None:
        if key in REMOVED:
            self.removed.setdefault(where, []).append(key)
            return
        if key not in RULES:
            raise SettingsError(f"{where}: unknown setting {short(key)}; {asked(key, RULES)}")
        try:
            value = RULES[key].kind.parse(raw)
        except ValueError:
            raise _misfit(key, raw, where) from None
        origin = where
        if RULES[key].adds_up:
            before, default = self.values.get(key, RULES[key].default), RULES[key].default
            if author is Author.USER and key not in self.by_user:  # in the place of the default
                before = tuple(each for each in before if each not in default)
            value = tuple(dict.fromkeys((*before, *value)))
            origin = f"{self.origins[key]}, {where}" if self.values.get(key) else where
        self.values[key] = value
        self.origins[key] = origin
        if author is Author.USER:
            self.by_user[key] = value


def _variable(key: str) -> str:
    return f"{_PREFIX}{key.replace('.', '_').upper()}"


def _is_misplaced(key: str, value: object, author: Author) -> bool:
    if key.startswith("models.") or (key == "model.name" and isinstance(value, str) and is_path(value)):
        return author < Author.USER
    return key in RULES and author < RULES[key].author


def _table(file: Path, document: dict[str, object], section: str) -> dict[str, object]:
    known = (*SECTIONS, "models")
    if section not in known:
        raise SettingsError(f"{file}: unknown section {short(section)}; {asked(section, known)}")
    table = document[section]
    if not isinstance(table, dict):
        raise SettingsError(f"{file}: {section} is a section; write [{section}] and its keys below it")
    return cast("dict[str, object]", table)


def _user_model(name: str, table: object, file: Path) -> UserModel:
    where = f"{file}: models.{name}"
    if name == "auto" or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise SettingsError(f"{where}: not a model's name; use letters, digits, '-', '_' and '.' (and not \"auto\")")
    if not isinstance(table, dict):
        raise SettingsError(f"{where}: must be a table; write [models.{name}] and its keys below it")
    values: dict[str, Any] = {}
    for key, raw in cast("dict[str, object]", table).items():
        if key not in MODEL_RULES:
            raise SettingsError(f"{where}: unknown key {short(key)}; {asked(key, MODEL_RULES)}")
        try:
            values[key] = MODEL_RULES[key].parse(raw)
        except ValueError:
            raise SettingsError(f"{where}.{key}: {shown(raw)} must be {MODEL_RULES[key].expects}") from None
    if len([source for source in _SOURCES if source in values]) != 1:
        raise SettingsError(
            f"{where}: needs exactly one of {', '.join(_SOURCES)}, which say where the model comes from"
        )
    for key in ("revision", "file"):
        if key in values and "hub" not in values:
            raise SettingsError(f"{where}: {key} belongs to hub; remove it")
    return UserModel(**values)


def _misfit(key: str, raw: object, where: str) -> SettingsError:
    return SettingsError(f"{where}: {key} is {shown(raw)}, but must be {RULES[key].kind.expects}")
