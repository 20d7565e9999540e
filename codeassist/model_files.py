"""Files of a model, which a stranger may have written: read within limits, and what is wrong with them in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from codeassist.errors import ModelError
from codeassist.regular_file import NotRegularError, open_regular

_MOST_BYTES = 64 << 20  # the largest tokenizer.json in use has half of that (Gemma 3)
_MOST_CHARS = 400

# What reading raises where a file's values are not of the kind, size or form that its format promises. RuntimeError is
# also what torch says about numbers that do not fit, and the parsers about values nested too deep.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


@contextlib.contextmanager
def untrusted(path: Path) -> Generator[None]:
    """Turn whatever reading a model's files at `path` raises, but for OSError, into a ModelError of one short line."""
    try:
        yield
    except ModelError as error:
        said = str(error)
        if len(said) <= _MOST_CHARS and "\n" not in said:
            raise
        raise ModelError(_shortened(said)) from error
    except _DAMAGE as error:
        why = _shortened(str(error) or type(error).__name__)
        raise ModelError(f"{path} is not what a model's files say ({why}); fetch the model again") from error


def read_bounded(path: Path) -> bytes:
    """The bytes of a model's small file. Raises ModelError for one that cannot be read, is no file, or is too large."""
    try:
        with open_regular(path, follows_links=True) as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ModelError(f"cannot read {path}: there is no such file") from error
    except NotRegularError as error:
        raise ModelError(f"cannot read {path}: it is no file") from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if len(content) > _MOST_BYTES:
        raise ModelError(f"cannot read {path}: it has more than {_MOST_BYTES >> 20} MiB")
    return content


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARS else f"{line[: _MOST_CHARS - 1]}…"
