"""Every setting, its default, its kind of value, and who may make it.

Files and the environment are read by `layers`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import platformdirs

from codeassist.settings.authors import Author
from codeassist.settings.values import (
    ValueKind,
    folders,
    integer,
    matching,
    or_none,
    path,
    real,
    switch,
    text,
    texts,
    word,
)

# Twice what an analysis takes whose process has just begun (2026-11).
_COLD_ANALYSIS_MS = 2000.0

# What is typed there is made up or pasted: nothing that a model says can be right.
_FILES_OF_KEYS = (
    ".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.gpg",
    "*.tfstate", "*.tfvars", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", ".npmrc", ".pypirc", ".pgpass",
    ".htpasswd", ".git-credentials", ".ssh/", ".gnupg/", "**/.aws/credentials", "**/.docker/config.json",
    "**/.kube/config",
)  # fmt: skip


def _own(default: Any, kind: ValueKind) -> Any:
    """A setting that is the user's alone: it says which program is started, which file or folder is read or written,
    or where text goes."""
    return _declared(default, kind, Author.USER)


def _personal(
    default: Any, kind: ValueKind, harmless: str | None = None, reach: Callable[[Any], int] | None = None
) -> Any:
    """A setting that an editor may make too: how much of this machine is used, how it feels to type."""
    return _declared(default, kind, Author.EDITOR, harmless=harmless, reach=reach)


def _shared(
    default: Any, kind: ValueKind, harmless: str | None = None, reach: Callable[[Any], int] | None = None
) -> Any:
    """A setting that a repository may make too."""
    return _declared(default, kind, Author.REPOSITORY, harmless=harmless, reach=reach)


def _shared_sum(kind: ValueKind, harmless: str, default: tuple[str, ...] = ()) -> Any:
    """A list that a repository may add to: all places add up, none lifts what another says.

    The user's own list takes the place of the default.
    """
    return _declared(default, kind, Author.REPOSITORY, harmless=harmless, adds_up=True)


def _declared(default: Any, kind: ValueKind, author: Author, **more: Any) -> Any:
    if author is not Author.USER and kind.is_open and not more.get("harmless"):
        raise AssertionError(
            "a text could name a program, a file or a host: make the setting the user's, or say why not"
        )
    return field(default=default, metadata={"kind": kind, "author": author, **more})


@dataclass(frozen=True, slots=True)
class Folders:
    """Where files of ours live. CODEASSIST_HOME moves them all."""

    config_file: Path
    data: Path  # models: costly to fetch again
    cache: Path  # indexes, converted weights: made again when lost
    run: Path  # sockets of running servers: nothing in it outlives them


def is_path(model_name: str) -> bool:
    """Whether `model.name` is no name of the registry but the path of a GGUF file or of a folder."""
    return (
        model_name.lower().endswith(".gguf") or "/" in model_name or os.sep in model_name or model_name in (".", "..")
    )


def standard_places() -> Folders:
    """Return where the platform puts such files."""
    return Folders(
        platformdirs.user_config_path("codeassist", appauthor=False) / "config.toml",
        platformdirs.user_data_path("codeassist", appauthor=False),
        platformdirs.user_cache_path("codeassist", appauthor=False),
        platformdirs.user_cache_path("codeassist", appauthor=False) / "run",
    )


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and how it runs."""

    name: str = _personal("auto", text(), harmless="chooses among the models that the user has installed")
    device: str = _personal(
        "auto",
        matching(r"auto|cpu|mps|cuda(:\d{1,3})?", '"auto", "cpu", "cuda", "cuda:N" or "mps"'),
        harmless="names a part of this machine",
    )
    format: Literal["auto", "int8", "bf16", "float32"] = _personal("auto", word("auto", "int8", "bf16", "float32"))
    threads: int | None = _personal(None, or_none("auto", integer(1, 1024)))
    context_tokens: int = _personal(2048, integer(128, 131072))


@dataclass(frozen=True, slots=True)
class CompletionSettings:
    """How long a completion may be."""

    max_lines: int | None = _shared(1, or_none("unlimited", integer(1, 1000)))
    max_new_tokens: int = _shared(64, integer(1, 4096))


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """What of other files goes into the prompt."""

    mode: Literal["learned", "full", "lexical", "none"] = _shared(
        "learned", word("learned", "full", "lexical", "none"), reach=lambda mode: {"none": 0, "lexical": 1}.get(mode, 2)
    )
    deadline_ms: int = _shared(30, integer(1, 10_000))
    rounds: int = _shared(1, integer(1, 2))
    encoder: Path | None = field(default=None, metadata={"kind": or_none("shipped", path()), "author": Author.USER})


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What is indexed."""

    exclude: tuple[str, ...] = _shared_sum(texts(), harmless="takes files out, and none in")


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """How key/value states are kept between completions; `disk_mib` 0: none outlives the program."""

    mode: Literal["live", "exact"] = _personal("live", word("live", "exact"))
    memory_mib: int = _personal(1024, integer(16, 1_048_576))
    disk_mib: int = _personal(512, integer(0, 1_048_576))


@dataclass(frozen=True, slots=True)
class EditorSettings:
    """When an editor is shown a completion, and how much of one. The command line knows none of these.

    `off_languages` are the protocol's language ids; in `off_paths`, patterns as in `.gitignore`, nothing comes by
    itself. `debounce_ms` None adapts to how fast the user types;
    `patience_ms` None reads all of a prompt, however long that takes. `min_confidence` is for what comes by itself; who
    asks for a completion gets it.
    """

    mode: Literal["automatic", "manual", "off"] = _personal(
        "automatic", word("automatic", "manual", "off"), reach=lambda mode: int(mode != "off")
    )
    off_languages: tuple[str, ...] = _shared_sum(texts(), harmless="completes less")
    off_paths: tuple[str, ...] = _shared_sum(texts(), harmless="completes less", default=_FILES_OF_KEYS)
    multiline: Literal["auto", "never", "always"] = _shared("auto", word("auto", "never", "always"))
    max_lines: int = _shared(16, integer(1, 1000))
    debounce_ms: int | None = _personal(None, or_none("auto", integer(0, 2000)))
    patience_ms: int | None = _personal(1000, or_none("unlimited", integer(50, 60_000)))
    min_confidence: float = _personal(0.5, real(0, 1))
    completion_items: bool = _personal(False, switch())


@dataclass(frozen=True, slots=True)
class EditsSettings:
    """When an editor is shown the next edit: by itself, when somebody asks, or never. The command line knows neither.

    `off_languages` as in `editor`.
    """

    mode: Literal["automatic", "manual", "off"] = _personal(
        "automatic", word("automatic", "manual", "off"), reach=lambda mode: int(mode != "off")
    )
    off_languages: tuple[str, ...] = _shared_sum(texts(), harmless="proposes less")


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """Whether names are held to what static analysis finds, and how long one answer may wait for it in all.

    `servers` are `language=command line` each.
    """

    mode: Literal["on", "off"] = _shared("on", word("on", "off"))
    deadline_ms: int = _shared(60, integer(0, 10_000))
    servers: tuple[str, ...] = _own((), texts())

    @property
    def patient_wait_ms(self) -> float | None:
        """How long an answer may wait for its analysis where nobody types meanwhile: as long as one takes that begins
        cold. None where nothing is monitored."""
        return max(float(self.deadline_ms), _COLD_ANALYSIS_MS) if self.mode == "on" else None


@dataclass(frozen=True, slots=True)
class FeedbackSettings:
    """What is counted of suggestions, on this machine only."""

    count: bool = _personal(True, switch())


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """A server that completes in the local model's place, and which repositories it may be shown; none by default.

    `url` None: nothing leaves the machine. `repositories` are folders: one allows itself and every repository in it.
    `key_env` None takes the key where `remote.endpoint` says.
    """

    url: str | None = _own(None, or_none("none", text()))
    model: str = _own("auto", text())
    tokenizer: str = _own("auto", text())
    repositories: tuple[str, ...] = _own((), folders())
    key_env: str | None = _own(None, or_none("auto", matching(r"[A-Za-z_]\w*", "the name of a variable")))
    keyring: str | None = _own(None, or_none("none", text()))
    ca_file: Path | None = field(default=None, metadata={"kind": or_none("none", path()), "author": Author.USER})
    context_tokens: int | None = _own(None, or_none("auto", integer(128, 131072)))
    timeout_ms: int = _own(15_000, integer(10, 600_000))
    fallback: bool = _own(True, switch())


@dataclass(frozen=True, slots=True)
class UserModel:
    """A registry entry of the user's own, as written. Exactly one of `gguf`, `folder` and `hub` is set."""

    gguf: Path | None = field(default=None, metadata={"kind": path()})
    folder: Path | None = field(default=None, metadata={"kind": path()})
    hub: str | None = field(default=None, metadata={"kind": matching(r"[\w.-]+/[\w.-]+", 'a repository, "owner/name"')})
    revision: str | None = field(default=None, metadata={"kind": text()})
    file: str | None = field(default=None, metadata={"kind": matching(r"[\w.-]+\.gguf", "a GGUF file of the hub's")})
    sha256: str | None = field(default=None, metadata={"kind": matching(r"[0-9a-f]{64}", "64 lower-case hex digits")})
    adapter: Path | None = field(default=None, metadata={"kind": path("none")})
    edit_form: str | None = field(
        default=None,
        metadata={
            "kind": matching(r"diff|sweep|zeta|zeta2|zeta2\.1|rewrite", "diff, sweep, zeta, zeta2, zeta2.1 or rewrite")
        },
    )
    edit_calibration: Path | None = field(default=None, metadata={"kind": path()})
    template: str | None = field(
        default=None,
        metadata={
            "kind": matching(
                r"qwen-coder|codegemma|granite[34]|mellum|starcoder|deepseek-coder|seed-coder|codellama|codestral|files|plain",
                "a prompt template of docs/models.md, as qwen-coder or plain",
            )
        },
    )
    licence: str | None = field(default=None, metadata={"kind": text()})
    description: str | None = field(default=None, metadata={"kind": text()})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force. `Settings()` holds the defaults."""

    model: ModelSettings = field(default_factory=ModelSettings)
    completion: CompletionSettings = field(default_factory=CompletionSettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    index: IndexSettings = field(default_factory=IndexSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    editor: EditorSettings = field(default_factory=EditorSettings)
    edits: EditsSettings = field(default_factory=EditsSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)
    feedback: FeedbackSettings = field(default_factory=FeedbackSettings)
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    models: Mapping[str, UserModel] = field(default_factory=dict[str, UserModel])
    places: Folders = field(default_factory=standard_places)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one setting may hold and who may make it.

    author: the least trusted that may. harmless: why that is not the user alone although the value may be any text.
    adds_up: all places add up instead of the last one winning. reach: how much leaves the machine with a value, where
    `remote.url` is set; there only the user may raise it.
    """

    kind: ValueKind
    author: Author
    default: Any
    harmless: str | None = None
    adds_up: bool = False
    reach: Callable[[Any], int] | None = None


SECTIONS: Mapping[str, type[Any]] = {
    "model": ModelSettings,
    "completion": CompletionSettings,
    "context": ContextSettings,
    "index": IndexSettings,
    "cache": CacheSettings,
    "editor": EditorSettings,
    "edits": EditsSettings,
    "monitor": MonitorSettings,
    "feedback": FeedbackSettings,
    "remote": RemoteSettings,
}
RULES: Mapping[str, Rule] = {
    f"{section}.{entry.name}": Rule(**entry.metadata, default=entry.default)
    for section, owner in SECTIONS.items()
    for entry in dataclasses.fields(owner)
}
MODEL_RULES: Mapping[str, ValueKind] = {entry.name: entry.metadata["kind"] for entry in dataclasses.fields(UserModel)}
