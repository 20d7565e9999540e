"""Records what a model for code answers in the demo, for those who cannot fetch one: tools/record_demo.py GGUF "Name"

Run it in the checkout whose demo it is, when the scene or its file has changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "codeassist" / "cli" / "completion" / "recorded_demo.json"


def main(gguf: str, name: str) -> None:
    """Run the demo and write what it says."""
    command = [sys.executable, "-m", "codeassist", "demo", str(ROOT), "--json", "--set", f"model.name={gguf}"]
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout)
    recorded = {
        "model": name,
        "date": datetime.now(UTC).date().isoformat(),
        "file": said["file"],
        "text": said["text"],
        "text_without_context": said["text_without_context"],
    }
    FILE.write_text(json.dumps(recorded, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(FILE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(*sys.argv[1:])
