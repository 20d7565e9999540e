"""A next edit that follows from a script, not from a model: after `old(` became `new(` somewhere, every line that still
has `old(` is a place, and the same replacement what belongs there; beside `# add` an argument, beside `# above` a line
`    more()` above it.

A line `# until FILE` in the asked document lets finding wait until there is such a file, or nobody waits any more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.pipeline import EditPipeline, Verdict
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site
from codeassist.errors import Cancelled

OLD, NEW = "old(", "new("
_UNTIL = re.compile(r"# until (\S+)")


class Script:
    """Finder, proposer and gate. `crash` in the document lets finding fail."""

    name = "script"

    def find(self, request: EditRequest, should_stop: Callable[[], bool]) -> Sequence[Site]:
        text = request.files[request.path]
        waits = _UNTIL.search(text)
        while waits is not None and not Path(waits[1]).exists():
            if should_stop():
                raise Cancelled("as it should be")
            time.sleep(0.001)
        if "# crash" in text:
            raise ZeroDivisionError
        if not any(OLD in line for change in request.history for line in change.old):
            return []
        found = [
            Site(path, number, number + 1, 0.9, "use", "uses `old`, which is `new` now")
            for path, text in request.files.items()
            for number, line in enumerate(text.split("\n"))
            if OLD in line
        ]
        return sorted(
            found, key=lambda site: (site.path != request.path, site.path, abs(site.start_line - request.line))
        )

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        line = request.files[site.path].split("\n")[site.start_line]
        if "# add" in line:
            new = (line.replace(")", ", 0)", 1),)
        elif "# above" in line:
            new = ("    more()", line)
        else:
            new = () if "# remove" in line else (line.replace(OLD, NEW),)
        return [Proposal(LineChange(site.path, site.start_line, (line,), new), site, self.name)]

    def judge(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> Verdict:
        is_dismissed = proposal.change in request.dismissed
        return Verdict(0.9, "it was turned down" if is_dismissed else None)


def scripted_pipeline(completer: Any = None) -> EditPipeline:
    """In the place of `codeassist_lsp.edits.pipelines.open_pipeline`."""
    script = Script()
    return EditPipeline(script, (script,), (), script)
