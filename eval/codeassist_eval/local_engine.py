"""The engine of this machine as a completer, with the settings that an evaluation wants.

Knows no tasks. The only module of the evaluation that loads a model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.errors import ModelError, SettingsError
from codeassist.hardware import detect
from codeassist.models import InstalledModel, choose_installed, find_installed
from codeassist.progress import Progress
from codeassist.settings import Override, Settings, resolve
from codeassist_eval.completer import Completer
from codeassist_eval.run import Limits

# What an evaluation does unless --set says otherwise. Tasks have nothing in common that a live cache could use but a
# path now and then; exact reuse leaves every prediction independent of the tasks before it.
_DEFAULTS = {"cache.mode": "exact"}


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Which model on which settings. Nothing is loaded yet: `open` does that."""

    settings: Settings
    model: InstalledModel

    def open(self, progress: Progress) -> Completer:
        """Load the model."""
        from codeassist.session import open_session

        return open_session(self.settings, self.model, progress)

    @property
    def cache_folder(self) -> Path:
        """Where repositories and indexes of evaluations are kept."""
        return self.settings.places.cache / "eval"

    def recorded_settings(self, limits: Limits) -> dict[str, Any]:
        """Return what a manifest records: everything that can change a prediction, and no path."""
        sections = ("model", "context", "cache")
        recorded = {section: dataclasses.asdict(getattr(self.settings, section)) for section in sections}
        return recorded | {"limits": dataclasses.asdict(limits)}


def local_engine(model: str | None, assignments: Sequence[str], limits: Limits, progress: Progress) -> LocalEngine:
    """Resolve settings and find the installed model. Raise SettingsError or ModelError where that fails."""
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
    settings = resolve(None, list(values.values())).settings
    return LocalEngine(settings, _find(settings, progress))


def _find(settings: Settings, progress: Progress) -> InstalledModel:
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
