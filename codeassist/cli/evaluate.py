"""`codeassist eval` whole: the evaluation's own commands, and those that learn from it.

Knows their names only.
"""

from __future__ import annotations

from codeassist.cli.training.reward import reward
from codeassist.cli.training.train_ranker import train_ranker
from codeassist.cli.training.train_retriever import train_retriever
from codeassist.cli.typed_words import typed_words
from codeassist_eval.cli.commands import eval_group

eval_group.add_command(reward)
eval_group.add_command(train_ranker)
eval_group.add_command(train_retriever)
eval_group.add_command(typed_words)

__all__ = ["eval_group"]
