"""The one error of evaluation: task files, predictions, repositories and run folders that cannot be used.

Like every `CodeAssistError`, its message is one line: what, where, what to do.
"""

from __future__ import annotations

from codeassist.errors import CodeAssistError


class EvaluationError(CodeAssistError):
    """Input of an evaluation that cannot be used, or a run that did not finish."""

    exit_code = 6
