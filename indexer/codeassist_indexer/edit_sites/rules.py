"""The rules that propose without a model, in the order in which they are asked."""

from __future__ import annotations

from codeassist.edits.proposal import Proposer
from codeassist.edits.proposals.line_rule import LineRule
from codeassist.edits.proposals.token_rule import TokenRule
from codeassist_indexer.edit_sites.missing_imports import ImportRule

RULES: tuple[Proposer, ...] = (ImportRule(), TokenRule(), LineRule())
