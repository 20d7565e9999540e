"""`SECTION.KEY=VALUE`, as `--set` takes settings."""

from __future__ import annotations

from collections.abc import Sequence

from codeassist.errors import SettingsError
from codeassist.settings.layers import Override


def parse_assignments(assignments: Sequence[str]) -> list[Override]:
    """Return what `--set` says, in the order given. Raises SettingsError for what is no assignment."""
    overrides: list[Override] = []
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set {assignment}: write --set section.key=value")
        overrides.append(Override(key.strip(), value.strip(), "--set"))
    return overrides
