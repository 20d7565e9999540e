"""`python -m codeassist_eval`: the evaluation commands without the rest of the program."""

from __future__ import annotations

import sys

from codeassist.terminal.error_boundary import run_command
from codeassist_eval.cli.eval.group import eval_group

if __name__ == "__main__":
    sys.exit(run_command(eval_group, "codeassist eval", sys.argv[1:]))
