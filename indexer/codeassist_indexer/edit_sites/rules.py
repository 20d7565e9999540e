"""The rules that propose without a model, in the order in which they are asked."""

from __future__ import annotations

from codeassist.edits.proposal import Proposer
from codeassist.edits.proposals.line_rule import LineRule
from codeassist.edits.proposals.token_rule import TokenRule
from codeassist_indexer.edit_sites.argument_rule import ArgumentRule, BoundTokenRule
from codeassist_indexer.edit_sites.definitions import DefinitionReader
from codeassist_indexer.edit_sites.missing_imports import ImportRule

_DEFINITIONS = DefinitionReader()

RULES: tuple[Proposer, ...] = (
    ImportRule(),
    ArgumentRule(_DEFINITIONS),
    BoundTokenRule(TokenRule(), _DEFINITIONS),
    LineRule(),
)
