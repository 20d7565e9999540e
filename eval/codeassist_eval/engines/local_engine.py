"""The engine of this machine as a completer, with the settings that an evaluation wants.

Knows no tasks. Besides the benchmarks of speed, the only module of the evaluation that loads a model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.completion.session import Session
from codeassist.errors import ModelError, SettingsError
from codeassist.models.hardware import detect
from codeassist.models.registry import InstalledModel, choose_installed, find_installed
from codeassist.progress import Progress
from codeassist.settings import Override, Settings, resolve
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.completer import Completer

# What an evaluation does unless --set says otherwise: only states computed under exactly the same tokens are used
# again, so that no prediction depends on the tasks before it.
_DEFAULTS = {"cache.mode": "exact"}


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Which model on which settings. Nothing is loaded yet: `open` does that."""

    settings: Settings
    model: InstalledModel
    num_at_once: int = 1

    def open(self, progress: Progress) -> Completer:
        """Load the model."""
        if self.num_at_once > 1 and self.settings.cache.mode != "exact":
            raise SettingsError("--batch: tasks that are completed together need cache.mode = exact; leave one out")
        session = self.open_session(progress)
        session.engine.speculate = False  # a pass over a draft rounds differently, and its length follows from times
        if self.settings.cache.mode != "exact":
            return session
        from codeassist_eval.runs.batches import BatchedSession  # imports torch

        return BatchedSession(session, self.num_at_once)

    def open_session(self, progress: Progress) -> Session:
        """Load the model, for who wants more of it than completions."""
        from codeassist.completion.session import open_session

        return open_session(self.settings, self.model, progress)

    @property
    def model_name(self) -> str:
        """What the manifest calls the model."""
        return self.model.name

    @property
    def model_sha256(self) -> str | None:
        """The hash of the model's file or folder."""
        return self.model.sha256

    @property
    def facts(self) -> dict[str, Any]:
        """How many tasks were completed together, which changes times and no answer; and that nothing was drafted."""
        return {"batch": self.num_at_once, "drafts": False}

    def costs(self) -> dict[str, Any]:
        """Return nothing: the records have it all."""
        return {}

    @property
    def cache_folder(self) -> Path:
        """Where repositories and indexes of evaluations are kept."""
        return self.settings.places.cache / "eval"

    def recorded_settings(self, limits: Limits) -> dict[str, Any]:
        """Return what a manifest records: everything that can change a prediction, and no path."""
        sections = ("model", "context", "cache")
        recorded = {section: dataclasses.asdict(getattr(self.settings, section)) for section in sections}
        encoder = self.settings.context.encoder
        recorded["context"]["encoder"] = None if encoder is None else encoder.name
        return recorded | {"limits": dataclasses.asdict(limits)}


def local_engine(
    model: str | None, assignments: Sequence[str], limits: Limits, progress: Progress, num_at_once: int = 1
) -> LocalEngine:
    """Resolve settings and find the installed model. Raise SettingsError or ModelError where that fails."""
    settings = evaluation_settings(model, assignments, limits)
    return LocalEngine(settings, installed_model(settings, progress), num_at_once)


def evaluation_settings(model: str | None, assignments: Sequence[str], limits: Limits) -> Settings:
    """Resolve the settings of a run: no repository's, and over the user's own what its options say."""
    values: dict[str, Override] = {key: Override(key, value, "eval") for key, value in _DEFAULTS.items()}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set {assignment}: write --set section.key=value")
        values[key.strip()] = Override(key.strip(), value.strip(), "--set")
    if model is not None:
        values["model.name"] = Override("model.name", model, "--model")
    values["completion.max_new_tokens"] = Override(
        "completion.max_new_tokens", limits.max_new_tokens, "--max-new-tokens"
    )
    return resolve(None, list(values.values())).settings


def installed_model(settings: Settings, progress: Progress) -> InstalledModel:
    """Find the model that the settings name, installed. Raise ModelError where there is none."""
    name = settings.model.name
    if name == "auto":
        choice = choose_installed(detect(), settings)
        if choice is None:
            raise ModelError(
                "no model is installed; run `codeassist models pull` to fetch the one that fits this machine"
            )
        name = choice.entry.name
    installed = find_installed(name, settings, progress)
    if installed is None:
        raise ModelError(f"{name}: not installed; run `codeassist models pull {name}`")
    return installed
