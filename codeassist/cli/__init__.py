"""The command line: the only place that knows every part, and that no part knows.

Commands import torch, the engine and the index inside their functions: `codeassist --help` must not wait for them.
"""

import sys


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    try:
        from codeassist.cli.boundary import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the program itself was still being imported
        print("codeassist: error: interrupted", file=sys.stderr)  # noqa: T201
        code = 130
    sys.exit(code)
