"""The tokenizer of a model that runs elsewhere: of a Hugging Face folder, which may hold no weights, or a GGUF file.

Knows no server and converts no weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from codeassist.tokenization.tokens import Tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Read the tokenizer at `path`. Raises ModelError for one that is missing or cannot be used."""
    if path.is_dir():
        return Tokenizer.load(path)
    from codeassist.engine.loading.weights import open_source  # imports torch

    source = open_source(path)
    with TemporaryDirectory(prefix="codeassist-") as name:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps(source.config.to_json()), encoding="utf-8")
        for file, content in source.tokenizer_files().items():
            (folder / file).write_bytes(content)
        return Tokenizer.load(folder)
