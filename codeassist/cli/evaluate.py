"""`codeassist eval` whole: the evaluation's own commands, and those that learn from it.

Knows their names only.
"""

from __future__ import annotations

from codeassist.cli.reward import reward
from codeassist_eval.commands import eval_group

eval_group.add_command(reward)

__all__ = ["eval_group"]
