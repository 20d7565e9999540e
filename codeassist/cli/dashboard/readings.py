"""What the dashboard shows, as one object: what running servers say, what was counted, what indexes hold.

It asks what `codeassist status`, `codeassist stats`, `codeassist.explain` and `codeassist index --status` ask, and
changes nothing.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeassist.cli.server.stats import counted
from codeassist.cli.server.status import ask
from codeassist.errors import CodeAssistError
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist_lsp.sharing.server_client import ServerClient

_MOST_FOLDERS = 40


@dataclass(frozen=True, slots=True)
class Readings:
    """Where to look: the user's settings, the days to count, and the repository of the current folder, if any."""

    settings: Settings
    days: int
    root: Path | None

    def take(self) -> dict[str, Any]:
        """Look once. What cannot be read is told in its place, as a `problem`."""
        from codeassist_lsp.sharing.server_client import servers

        found = [ask(server, _say) for server in servers(self.settings.places.run)]
        roots = {Path(each["root"]): None for one in found for each in one.get("index", ())}
        if self.root is not None:
            roots.setdefault(self.root)
        return {
            "at_s": time.time(),
            "servers": found,
            "stats": self._stats(),
            "indexes": [self._index(root) for root in roots],
        }

    def _stats(self) -> dict[str, Any]:
        try:
            return {**counted(self.settings.places.data, self.days), "problem": None}
        except CodeAssistError as error:
            return {"days": self.days, "problem": str(error)}

    def _index(self, root: Path) -> dict[str, Any]:
        from codeassist.cli.sessions.repository import open_store

        try:
            with closing(open_store(root, self.settings)) as store:
                return {"root": str(root), **index_document(store), "problem": None}
        except (CodeAssistError, OSError) as error:
            return {"root": str(root), "problem": str(error)}


def _say(server: ServerClient) -> dict[str, Any]:
    """What a server does, with each of its last requests, and why its last suggestion is what it is."""
    status = server.command("codeassist.status", {"recent": True})
    return {**status, "last_suggestion": server.command("codeassist.explain", {"any_client": True})}


def index_document(store: Any) -> Mapping[str, Any]:
    """Return what an index holds, in all and by folder; nothing is made where there is none."""
    from codeassist_indexer.storage.coverage import folder_coverage

    if not store.path.exists():
        return {"is_indexed": False}
    counts = store.counts()
    return {
        "is_indexed": True,
        "num_files": counts.num_files,
        "num_symbols": counts.num_symbols,
        "num_chunks": counts.num_chunks,
        "num_bytes": counts.num_bytes,
        "skipped_by_reason": dict(counts.num_skipped_by_reason),
        "folders": [dataclasses.asdict(each) for each in folder_coverage(store, _MOST_FOLDERS)],
    }
