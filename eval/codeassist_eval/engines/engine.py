"""What an engine is to an experiment, wherever it runs.

`local_engine` has this machine's, `remote_engine` a server's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from codeassist.progress import Progress
from codeassist.settings import Settings
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.completer import Completer


class EvaluationEngine(Protocol):
    """Which model on which settings."""

    @property
    def model_name(self) -> str:
        """What the manifest calls the model."""
        ...

    @property
    def model_sha256(self) -> str | None:
        """The model's hash; None where it cannot be known."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest records of the engine beyond what makes it the same: an address, a kind of server."""
        ...

    def costs(self) -> dict[str, Any]:
        """Return what metrics.json says of the engine's part in the run that ends."""
        ...

    @property
    def cache_folder(self) -> Path:
        """Where repositories and indexes of evaluations are kept."""
        ...

    @property
    def settings(self) -> Settings:
        """Return the settings of the run."""
        ...

    def recorded_settings(self, limits: Limits) -> dict[str, Any]:
        """Return everything that can change a prediction."""
        ...

    def open(self, progress: Progress) -> Completer:
        """Make it ready to complete."""
        ...
