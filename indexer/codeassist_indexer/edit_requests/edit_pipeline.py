"""The pipeline of next edits put together: learned places, rules, a model's own proposals, the gate.

What the command, a server and evaluation run is made here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from codeassist.edits.pipeline import EditPipeline
from codeassist_indexer.edit_requests.mended_uses import MendedUses
from codeassist_indexer.edit_sites.finder import LearnedSiteFinder
from codeassist_indexer.edit_sites.rules import RULES
from codeassist_indexer.languages.parsing.parse import num_syntax_errors

if TYPE_CHECKING:  # torch takes two seconds to import
    from codeassist.completion.session import Session
    from codeassist.remote.fallback import RemoteWithFallback

_PARSE_S = 0.2
_MOST_PARSED_CHARS = 300_000


class GrammarCheck:
    """The gate's `SyntaxCheck`: counts what a grammar does not read. Says nothing of long texts."""

    def num_errors(self, path: str, text: str) -> int | None:
        """Return how many syntax errors a text has, None where nobody can say."""
        return num_syntax_errors(path, text, _PARSE_S) if len(text) <= _MOST_PARSED_CHARS else None


@cache
def site_finder() -> LearnedSiteFinder:
    """Return the finder, one for the process: it keeps what it read of files."""
    return LearnedSiteFinder()


def open_edit_pipeline(model: Session | RemoteWithFallback | None) -> EditPipeline:
    """Return the pipeline with a session's model, or a server's; None: by rules alone.

    With a session it is used on the thread that owns the engine, which frees its cache with the others; with a server,
    on the one that completes.
    """
    from codeassist.edits.model_parts import open_parts, rules_alone, server_parts
    from codeassist.remote.fallback import RemoteWithFallback

    if model is None:
        parts = rules_alone(GrammarCheck())
    elif isinstance(model, RemoteWithFallback):
        parts = server_parts(model, GrammarCheck())
    else:
        parts = open_parts(model, GrammarCheck())
    finder = site_finder()
    gate = MendedUses(parts.gate, finder, frozenset(rule.name for rule in RULES))
    return EditPipeline(finder, RULES, parts.proposers, gate, take_sent=parts.take_sent)
