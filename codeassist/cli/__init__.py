"""The command line: the only place that knows every part, and that no part knows.

Commands import torch, the engine and the index inside their functions: `codeassist --help` must not wait for them.
"""

import sys


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    from codeassist.cli.boundary import run

    sys.exit(run(sys.argv[1:]))
