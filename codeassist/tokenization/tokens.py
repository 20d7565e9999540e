"""Text to token ids and back, exactly.

Special tokens have ids here, but no text ever yields one, whatever it contains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import tokenizers

from codeassist.errors import ModelError
from codeassist.json_object import read_json_object
from codeassist.model_files import untrusted
from codeassist.tokenization.tokenizer_json import SPACE_MARK, PlainTextTokenizer, plain_text_tokenizer

_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_MOST_TOKENS = 1 << 22  # of a model whose config.json does not say
_LONG_CHARS = 4_000  # of which other threads notice the time: a whole file takes tens of milliseconds
# Without these no code can be written.
_NEEDED_BYTES = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)) + _REPLACEMENT.encode())


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids and the half-open ranges of code points that they cover.

    Ranges rise. Tokens that share the bytes of one character all cover that character.
    """

    ids: list[int]
    char_ranges: list[tuple[int, int]]


class Tokenizer:
    """One model's tokenizer. Immutable after loading and safe to share between threads.

    `special`: every special, added or control token's name and id. `vocab_size`: one more than the largest id; the
    model's own vocabulary may be padded beyond it. `eos_ids`: what ends a text for this model. `bos_id`: the token that
    begins one, None where there is none; `add_bos`: the model wants it in front of a prompt (it is never added here).
    """

    def __init__(
        self, plain: PlainTextTokenizer, *, eos_ids: frozenset[int], bos_id: int | None, add_bos: bool
    ) -> None:
        self._tokenizer = _library_tokenizer(plain)
        self.special: Mapping[str, int] = plain.special
        self.eos_ids = eos_ids
        self.bos_id = bos_id
        self.add_bos = add_bos
        self.vocab_size = 1 + max(max(plain.vocab.values(), default=0), max(plain.special.values(), default=0))
        self._is_byte_level = plain.is_byte_level
        self._known_bytes: dict[int, bytes] = dict.fromkeys(plain.special.values(), b"")
        byte_ids = [plain.vocab.get(self._spelling(byte)) for byte in range(256)]
        self._writable_bytes = bytes(byte for byte, token_id in enumerate(byte_ids) if token_id is not None)
        missing = _NEEDED_BYTES - set(self._writable_bytes)
        if missing:
            raise ModelError(f"the model's vocabulary has no token for the byte 0x{min(missing):02X}; it is not run")
        self._space_mark_ids = [token_id for byte in SPACE_MARK.encode() if (token_id := byte_ids[byte]) is not None]

    @staticmethod
    def load(folder: Path) -> Tokenizer:
        """Read tokenizer.json, and tokenizer_config.json and config.json where they stand beside it.

        `folder` is a converted model or a Hugging Face folder. Raises ModelError for a tokenizer that cannot be read,
        or that cannot write every text.
        """
        with untrusted(folder):
            return Tokenizer._load(folder)

    @staticmethod
    def _load(folder: Path) -> Tokenizer:
        plain = plain_text_tokenizer(read_json_object(folder / "tokenizer.json"))
        settings, config = (
            read_json_object(folder / name) if (folder / name).exists() else {}
            for name in ("tokenizer_config.json", "config.json")
        )
        plain = _within(plain, config.get("vocab_size"))
        ends = config.get("eos_token_ids", config.get("eos_token_id"))
        eos_ids = [
            *(cast("list[Any]", ends) if isinstance(ends, list) else [ends]),
            _id_of(plain, settings, "eos_token"),
        ]
        named_bos_id = _id_of(plain, settings, "bos_token")
        bos_id = config.get("bos_token_id") if named_bos_id is None else named_bos_id
        if isinstance(bos_id, int) and not 0 <= bos_id < config.get("vocab_size", _MOST_TOKENS):
            raise ModelError(f"the model begins texts with token {bos_id}, which it has no row for; fetch it again")
        return Tokenizer(
            plain,
            eos_ids=frozenset(token_id for token_id in eos_ids if isinstance(token_id, int)),
            bos_id=bos_id if isinstance(bos_id, int) else None,
            add_bos=isinstance(bos_id, int) and bool(settings.get("add_bos_token", plain.begins_with_special)),
        )

    def encode(self, text: str) -> list[int]:
        """The ids of a text, never a special one.

        They stand for the very bytes of the text, but for characters that cannot be written: a lone surrogate, which is
        no text, and what the vocabulary has no bytes for (SmolLM2 lacks some control characters) count as U+FFFD.
        """
        text = self._writable(text)
        if self._is_byte_level or SPACE_MARK not in text:
            return self._tokenizer.encode(text, add_special_tokens=False).ids
        return self._encode_around_space_marks(text).ids

    def encode_with_offsets(self, text: str) -> Encoded:
        """As `encode`, with the characters that each token covers."""
        text = self._writable(text)
        if self._is_byte_level or SPACE_MARK not in text:
            if len(text) > _LONG_CHARS:  # a batch, though of one, is tokenised without Python's lock
                [encoding] = self._tokenizer.encode_batch([text], add_special_tokens=False)
            else:
                encoding = self._tokenizer.encode(text, add_special_tokens=False)
            return Encoded(encoding.ids, encoding.offsets)
        return self._encode_around_space_marks(text)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that tokens stand for; special tokens stand for none. May begin or end inside of a character."""
        return b"".join(map(self.token_bytes, ids))

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token; none for a special token and for an id without a token."""
        known = self._known_bytes.get(token_id)
        if known is None:
            token: str | None = self._tokenizer.id_to_token(token_id)
            known = self._known_bytes[token_id] = b"" if token is None else self._bytes_of(token)
        return known

    def _writable(self, text: str) -> str:
        """The text with U+FFFD for every character that cannot be written. As many characters as before."""
        try:
            unwritable = text.encode().translate(None, self._writable_bytes)
        except UnicodeEncodeError:
            return self._writable(_SURROGATE.sub(_REPLACEMENT, text))
        if not unwritable:
            return text
        return "".join(_REPLACEMENT if char.encode().translate(None, self._writable_bytes) else char for char in text)

    def _encode_around_space_marks(self, text: str) -> Encoded:
        """A `▁` in the text would read as a space: it is spelled in byte tokens instead."""
        ids: list[int] = []
        char_ranges: list[tuple[int, int]] = []
        char_idx = 0
        for piece_idx, piece in enumerate(text.split(SPACE_MARK)):
            if piece_idx:
                ids += self._space_mark_ids
                char_ranges += [(char_idx, char_idx + 1)] * len(self._space_mark_ids)
                char_idx += 1
            encoding = self._tokenizer.encode(piece, add_special_tokens=False)
            ids += encoding.ids
            char_ranges += [(char_idx + start, char_idx + end) for start, end in encoding.offsets]
            char_idx += len(piece)
        return Encoded(ids, char_ranges)

    def _spelling(self, byte: int) -> str:
        return _BYTE_TO_CHAR[byte] if self._is_byte_level else f"<0x{byte:02X}>"

    def _bytes_of(self, token: str) -> bytes:
        if self._is_byte_level:
            # A character outside of the byte alphabet stands for itself: some files write added tokens so.
            return b"".join(_CHAR_TO_BYTE.get(char) or char.encode("utf-8", "surrogatepass") for char in token)
        match = _BYTE_TOKEN.fullmatch(token)
        return bytes.fromhex(match[1]) if match else token.replace(SPACE_MARK, " ").encode("utf-8", "surrogatepass")


def _within(plain: PlainTextTokenizer, vocab_size: Any) -> PlainTextTokenizer:
    """The tokenizer with those special tokens that the model has rows for; of plain ones it must have all."""
    size = vocab_size if isinstance(vocab_size, int) else _MOST_TOKENS
    strange = [token_id for token_id in plain.vocab.values() if type(token_id) is not int or not 0 <= token_id < size]
    if strange:
        raise ModelError(f"the model's vocabulary lists token {strange[0]!r}, which it has no row for; fetch it again")
    return replace(plain, special={name: token_id for name, token_id in plain.special.items() if 0 <= token_id < size})


def _library_tokenizer(plain: PlainTextTokenizer) -> Any:
    frame: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        **plain.steps,
        "model": {"type": "BPE", "vocab": {}, "merges": []},
    }
    try:
        tokenizer: Any = tokenizers.Tokenizer.from_str(json.dumps(frame))
        # Built from values, this takes 0.3 s for 150,000 tokens; from JSON text 0.7 s (2 cores, 2026-11).
        tokenizer.model = tokenizers.models.BPE(
            vocab=cast("dict[str, int]", plain.vocab),
            merges=plain.merges,
            byte_fallback=not plain.is_byte_level,
            ignore_merges=plain.ignore_merges,
        )
    except Exception as error:  # the library raises nothing more precise
        raise ModelError(f"the model's tokenizer.json cannot be used: {error}; fetch the model again") from error
    return tokenizer


def _id_of(plain: PlainTextTokenizer, settings: Mapping[str, Any], key: str) -> int | None:
    """The id of a token that tokenizer_config.json names, as text or as an object with `content`."""
    named = settings.get(key)
    name = cast("Any", named).get("content") if isinstance(named, dict) else named
    return plain.special.get(name, plain.vocab.get(name)) if isinstance(name, str) else None


def _byte_alphabet() -> dict[int, str]:
    """GPT-2's spelling of bytes: printable Latin-1 characters for themselves, the rest from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + i) for i, byte in enumerate(others)}


_BYTE_TO_CHAR = _byte_alphabet()
_CHAR_TO_BYTE = {char: bytes((byte,)) for byte, char in _BYTE_TO_CHAR.items()}
