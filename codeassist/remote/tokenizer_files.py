"""The tokenizer of a model that runs elsewhere: of a Hugging Face folder, which may hold no weights, or a GGUF file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from codeassist.errors import ModelError
from codeassist.models.model_choice import find_model
from codeassist.progress import silent
from codeassist.settings import Settings
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


def tokenizer_of(settings: Settings) -> Tokenizer:
    """Return the tokenizer that the server's model should have. Raises ModelError where none is here."""
    named = settings.remote.tokenizer
    if named != "auto" and len((path := Path(named).expanduser()).parts) > 1:
        if not path.exists():
            raise ModelError(f"remote.tokenizer: {path} does not exist; name a folder with tokenizer.json")
        return load_tokenizer(path)
    if named != "auto":
        settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, name=named))
    try:
        model, _ = find_model(settings, silent)
    except ModelError as error:
        raise ModelError(
            f"no tokenizer for the remote engine: {error}; or name a folder in remote.tokenizer"
        ) from error
    return load_tokenizer(model.path)
