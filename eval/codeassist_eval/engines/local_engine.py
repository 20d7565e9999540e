"""The engine of this machine as a completer, with the settings that an evaluation wants.

Besides the benchmarks of speed, the only module of the evaluation that loads a model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.completion.session import Session
from codeassist.errors import SettingsError
from codeassist.models.model_choice import find_model
from codeassist.models.registry import InstalledModel
from codeassist.monitor.monitor_set import AnalysisSource
from codeassist.progress import Progress
from codeassist.settings import Override, Settings, resolve
from codeassist.settings.assignments import parse_assignments
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.completer import PipelineCompleter

# What an evaluation does unless --set says otherwise: only states computed under exactly the same tokens are used
# again, so that no prediction depends on the tasks before it.
_DEFAULTS = {"cache.mode": "exact"}


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Which model on which settings. Nothing is loaded yet: `open` does that."""

    settings: Settings
    model: InstalledModel
    num_at_once: int = 1

    def open(self, progress: Progress) -> PipelineCompleter:
        """Load the model."""
        if self.num_at_once > 1 and self.settings.cache.mode != "exact":
            raise SettingsError("--batch: tasks that are completed together need cache.mode = exact; leave one out")
        # A pass over a draft rounds differently, and its length follows from times.
        session = self.open_session(progress, speculate=False)
        if self.settings.cache.mode != "exact":
            return PipelineCompleter(session)
        from codeassist_eval.runs.batches import BatchedSession  # imports torch

        return PipelineCompleter(BatchedSession(session, self.num_at_once))

    def open_session(
        self, progress: Progress, *, speculate: bool = True, analysts: AnalysisSource | None = None
    ) -> Session:
        """Load the model, for who wants more of it than completions. Monitors ask `analysts`."""
        from codeassist.completion.open_session import open_session

        return open_session(self.settings, self.model, progress, speculate=speculate, analysts=analysts)

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
    return LocalEngine(settings, find_model(settings, progress)[0], num_at_once)


def evaluation_settings(model: str | None, assignments: Sequence[str], limits: Limits) -> Settings:
    """Resolve the settings of a run: no repository's, and over the user's own what its options say."""
    given = [Override(key, value, "eval") for key, value in _DEFAULTS.items()]
    given += parse_assignments(assignments)
    if model is not None:
        given.append(Override("model.name", model, "--model"))
    given.append(Override("completion.max_new_tokens", limits.max_new_tokens, "--max-new-tokens"))
    return resolve(None, given).settings


def evaluation_cache() -> Path:
    """Where repositories and indexes of evaluations are kept that need no other setting."""
    return resolve().settings.places.cache / "eval"
