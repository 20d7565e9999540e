"""The command line: the only place that knows every part, and that no part knows.

Commands import torch, the engine and the index inside their functions: `codeassist --help` must not wait for them.
"""

import os
import sys

from codeassist.processes import forget_working_folder

# How often libgomp looks at a barrier before it sleeps. Its own choice (some milliseconds) makes decoding 5 to 15 times
# slower while anything else uses the cores, and an editor is never alone; read once, when torch is imported.
# docs/decisions/2026-11-21-busy-cores.md has the measurements.
_SPIN_COUNT = "2000"


def main() -> None:
    """Run the command that the arguments name and exit with its code."""
    forget_working_folder()
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = _SPIN_COUNT
    try:
        from codeassist.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the program itself was still being imported
        print("codeassist: error: interrupted", file=sys.stderr)  # noqa: T201
        code = 130
    sys.exit(code)
