"""The next edits of one request from settings to proposals: with the model in the settings, or by rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeassist.cli.sessions.local_session import open_local
from codeassist.completion.completion_json import told_of_sent
from codeassist.errors import ModelError
from codeassist.progress import Progress
from codeassist.request import sent_together
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist.completion.session import Session
    from codeassist.edits.edit_request import EditRequest
    from codeassist.edits.proposal import Proposal
    from codeassist.edits.site import Site
    from codeassist.remote.fallback import RemoteWithFallback


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

    model, notices = _model(settings, progress)
    progress("next edit", 0, None)
    try:
        found = open_edit_pipeline(model).next_edits(request)
    finally:
        if model is not None:
            model.close()
    if (sent := sent_together(found.trace.sent)) is not None:
        notices = (*notices, told_of_sent(sent))
    kept = [each for each in found.proposals if not is_unwanted(each.change, request.files[each.change.path])]
    sites = dict.fromkeys(each.proposal.site for each in found.trace.withheld)
    uncertain = () if kept else tuple(site for site in sites if site.source not in ("near", "name"))
    return Proposed(kept, notices, found.why_none, uncertain)


def _model(settings: Settings, progress: Progress) -> tuple[Session | RemoteWithFallback | None, tuple[str, ...]]:
    if settings.remote.url is not None:
        from codeassist.cli.sessions.remote_session import open_remote

        remote = open_remote(settings, lambda: open_local(settings, progress))
        return remote, remote.notices
    try:
        session = open_local(settings, progress)
    except ModelError as error:
        return None, (f"rules alone propose: {error}",)
    return session, session.notices
