"""The next edits of one request from settings to proposals: with the model in the settings, or by rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeassist.cli.sessions.local_session import open_local
from codeassist.errors import ModelError
from codeassist.progress import Progress
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist.completion.session import Session
    from codeassist.edits.edit_request import EditRequest
    from codeassist.edits.proposal import Proposal
    from codeassist.edits.site import Site


@dataclass(frozen=True, slots=True)
class Proposed:
    """The next edits, the likeliest first, no two over the same lines; and what the user should know.

    Where there is none: why, and the places that may have to change although nothing was certain enough there.
    """

    proposals: Sequence[Proposal]
    notices: tuple[str, ...] = ()
    why_none: str = "nothing was changed"
    uncertain: tuple[Site, ...] = ()


def propose(request: EditRequest, settings: Settings, progress: Progress) -> Proposed:
    """Load the model and run the pipeline. Where there is no model here, rules alone propose, and a notice says so."""
    from codeassist_indexer.edit_requests.edit_pipeline import open_edit_pipeline
    from codeassist_indexer.edit_requests.unwanted import is_unwanted

    session, notices = _session(settings, progress)
    progress("next edit", 0, None)
    found = open_edit_pipeline(session).next_edits(request)
    kept = [each for each in found.proposals if not is_unwanted(each.change, request.files[each.change.path])]
    sites = dict.fromkeys(each.proposal.site for each in found.trace.withheld)
    uncertain = () if kept else tuple(site for site in sites if site.source not in ("near", "name"))
    return Proposed(kept, notices, found.why_none, uncertain)


def _session(settings: Settings, progress: Progress) -> tuple[Session | None, tuple[str, ...]]:
    if settings.remote.url is not None:
        return None, ("next edits are proposed on this machine, by rules alone while remote.url is set",)
    try:
        session = open_local(settings, progress)
    except ModelError as error:
        return None, (f"rules alone propose: {error}",)
    return session, session.notices
