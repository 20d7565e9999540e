"""`hub:OWNER/REPO[:FILE.gguf]`: how commands and settings name a model of the hub that has no entry."""

from __future__ import annotations

import re

from codeassist.errors import ModelError
from codeassist.models.sources import HubSource, ModelEntry

PREFIX = "hub:"
_FORM = re.compile(r"hub:(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<file>[\w.-]+\.gguf))?")


def parse_hub_name(name: str) -> HubSource:
    """Return the source. Raises ModelError for another form."""
    found = _FORM.fullmatch(name)
    if found is None:
        raise ModelError(f"{name}: write hub:OWNER/REPO, or hub:OWNER/REPO:FILE.gguf for one file of it")
    return HubSource(found["repo"], file=found["file"])


def hub_entry(source: HubSource) -> ModelEntry:
    """The entry of a source that has none. Its name is that of the folder that it is fetched into."""
    name = source.repo.replace("/", "--") + (f"--{source.file.removesuffix('.gguf')}" if source.file else "")
    return ModelEntry(name, source, description="fetched from the hub without an entry")
