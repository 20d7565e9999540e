"""Which model a command uses: the one that the settings name, or the best that is installed."""

from __future__ import annotations

from codeassist.errors import ModelMissing
from codeassist.models.hardware import detect
from codeassist.models.model_store import no_such_path
from codeassist.models.registry import Choice, InstalledModel, choose_auto, choose_installed, find_entry, find_installed
from codeassist.models.sources import OWN_FILE
from codeassist.progress import Progress
from codeassist.settings import Settings


def choose_to_pull(name: str, settings: Settings) -> Choice:
    """Return the entry to fetch; "auto" asks whether the hub can be reached. Raises ModelError for an unknown name."""
    if name != "auto":
        return Choice(find_entry(name, settings))
    from codeassist.models.hub import is_hub_reachable

    return choose_auto(detect(settings.places.cache, again=True), settings, is_hub_reachable)


def find_model(settings: Settings, progress: Progress) -> tuple[InstalledModel, tuple[str, ...]]:
    """Return the installed model that the settings name, and notices. Raises ModelMissing if it is not installed."""
    name = settings.model.name
    notices: tuple[str, ...] = ()
    if name == "auto":
        choice = choose_installed(detect(settings.places.cache), settings)
        if choice is None:
            advice = f"run `codeassist models pull` for what fits this machine; {OWN_FILE}"
            raise ModelMissing("no model is installed", advice, name)
        name, notices = choice.entry.name, (choice.notice,) if choice.notice else ()
    installed = find_installed(name, settings, progress)
    if installed is None:
        entry = find_entry(name, settings)
        if entry.is_local:
            raise no_such_path(entry)
        raise ModelMissing(f"{name} is not installed", f"run `codeassist models pull {name}`; {OWN_FILE}", name)
    return installed, notices
