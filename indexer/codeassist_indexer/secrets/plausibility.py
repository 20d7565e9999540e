"""Whether a value is a secret at all: placeholders, references and words are none, random characters are.

Entropy is Shannon's, of the value's own bytes. Everything takes time linear in the value.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

# What stands for a value that is filled in elsewhere.
_REFERENCE = re.compile(
    rb"\$\{[^}]*\}?|\$\([^)]*\)?|\{\{[^}]*\}{0,2}|\{[\w.!:()\[\]'\" -]*\}|<[\w .:/-]*>"
    rb"|%\([\w.]*\)[sdr]|%[\w-]+%|%[sdrvqx]|\$[A-Za-z_]\w*|@[A-Z_]+@|\\[xuU][0-9a-fA-F]{2,8}|\\[nrt]"
)
# Words of which placeholders and names of secrets are made.
_PLACEHOLDER_WORDS = re.compile(
    rb"(?i)example|sample|your|my|change|me|dummy|fake|mock|placeholder|todo|test|testing|none|null|nil|undefined|insert|replace"
    rb"|enter|here|some|redacted|hidden|removed|masked|default|secret|token|password|passwd|pass|pwd|key|api|auth"
    rb"|access|client|private|public|value|string|user|name|username|admin|root|guest|foo|bar|baz|spam|eggs|qux|abc|xyz|asdf|qwerty"
    rb"|super|very|the|this|is|not|a|an|for|with|of|in|to|and|or|id|x+|long|short|new|old|invalid|valid|wrong|correct|bad"
    rb"|good|random|unknown|empty|required|optional|credentials?|service|account|bearer|basic|app|application|session"
    rb"|db|database|login|phrase|word|hash|data|signing|encryption|encrypted|django|insecure|unsafe|demo|dev|local|prod|production|staging"
)
_NOT_ALNUM = re.compile(rb"[^0-9A-Za-z\x80-\xff]+")
_LETTER_RUN = re.compile(rb"[a-z]+|[A-Z]+|[0-9]+|[^a-zA-Z0-9]+")
_DIGIT, _LETTER = re.compile(rb"[0-9]"), re.compile(rb"[A-Za-z]")
_VOWEL = re.compile(rb"[aeiouyAEIOUY]")
_SEQUENCES = (b"01234567890123456789", b"98765432109876543210", b"abcdefghijklmnopqrstuvwxyz", b"deadbeef" * 4)
_GENERATED = re.compile(rb"[0-9A-Za-z+/_.~=:-]+")
_HEX = re.compile(rb"[0-9a-f]+|[0-9A-F]+")
_UUID = re.compile(rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{4}")
_NAME_CHARACTERS = re.compile(rb"[0-9A-Za-z_.:/ -]+")
_NUMBERED = frozenset(
    b"utf int uint float base sha md aes rsa x h rs hs es ec v ipv oauth http tls ssl crc blake pbkdf".split()
)
_MOST_CHARS = 512  # of a value that are looked at


def is_placeholder(value: bytes) -> bool:
    """Say whether a value only stands for one: `${TOKEN}`, `<password>`, `your-api-key`, `changeme123`, `xxxx`."""
    value = value[:_MOST_CHARS]
    if not value.strip(b"*.xX-_=#?0 "):
        return True
    left = _NOT_ALNUM.sub(b" ", _REFERENCE.sub(b" ", value))
    if not left.strip():
        return True
    words = [word for part in left.split() for word in _words(part)]
    rest = [word for word in words if not word.isdigit() and _PLACEHOLDER_WORDS.fullmatch(word) is None]
    if not rest:
        digits = b"".join(word for word in words if word.isdigit())
        return len(words) > 1 or not digits or _is_sequence(digits)
    return all(_is_placeholder_compound(word) for word in rest)


def _is_placeholder_compound(word: bytes) -> bool:
    """Say whether placeholder words stand in it without anything between: `mysecretpassword`."""
    return not _PLACEHOLDER_WORDS.sub(b"", word).strip(b"0123456789") and len(word) > 3


def _is_sequence(text: bytes) -> bool:
    lowered = text.lower()
    return len(set(lowered)) <= 2 or any(lowered in sequence for sequence in _SEQUENCES)


def _words(part: bytes) -> list[bytes]:
    """Split an identifier where its case or kind of character changes: `myKey12` is my, Key, 12."""
    found: list[bytes] = []
    for run in _LETTER_RUN.findall(part):
        if found and run[:1].islower() and len(found[-1]) == 1 and found[-1].isupper():
            found[-1] += run
        elif found and run[:1].islower() and found[-1].isupper():
            found[-1], head = found[-1][:-1], found[-1][-1:]
            found.append(head + run)
        else:
            found.append(run)
    return found


def entropy_bits(value: bytes) -> float:
    """Return how many bits each byte of the value carries, by its own frequencies."""
    value = value[:_MOST_CHARS]
    if not value:
        return 0.0
    num = len(value)
    return -sum(count / num * math.log2(count / num) for count in Counter(value).values())


def has_letter_and_digit(value: bytes) -> bool:
    """Say whether both stand in it, as in most generated and many chosen passwords."""
    return _DIGIT.search(value) is not None and _LETTER.search(value) is not None


def is_random(value: bytes, least_chars: int = 16) -> bool:
    """Say whether a value looks generated: no words, and letters and digits (or cases) that take turns."""
    value = value[:_MOST_CHARS].rstrip(b"=")
    if len(value) < least_chars or _GENERATED.fullmatch(value) is None or _UUID.search(value):
        return False
    if not has_letter_and_digit(value) or entropy_bits(value) < min(3.0, 0.65 * math.log2(len(value))):
        return False
    if _HEX.fullmatch(value):
        return True
    words = [word for part in _NOT_ALNUM.split(value) for word in _words(part)]
    num_chars = sum(map(len, words))
    num_numbers = sum(word.isdigit() for word in words)
    if num_numbers < (1 if num_chars >= 32 else 2):
        return False
    return len(words) >= 0.27 * num_chars and max(map(len, words)) <= 14


def is_identifier(value: bytes) -> bool:
    """Say whether words stand in it with numbers as in names of code: `V1SecretProjection`, `sha256_sum`."""
    if _NAME_CHARACTERS.fullmatch(value) is None or len(value) > _MOST_CHARS:
        return False
    pieces = [piece for piece in _NOT_ALNUM.split(value) if piece]
    words = [word for piece in pieces for word in _words(piece)]
    letters = [word for word in words if not word.isdigit()]
    is_mixed = len(pieces) > 1 or any(word[:1].isupper() and len(word) > 1 for word in letters[1:])
    if not is_mixed or sum(map(len, letters)) < 3 * len(letters) or any(map(_is_no_word, letters)):
        return False
    if any(len(word) < 3 and not (word.isdigit() or after.isdigit()) for word, after in pairwise((*words, b""))):
        return False
    numbered = [(before.lower(), word) for before, word in pairwise((b"", *words)) if word.isdigit()]
    return len(numbered) <= 1 + len(letters) // 3 and all(
        len(number) == 1 or before in _NUMBERED for before, number in numbered
    )


def _is_no_word(word: bytes) -> bool:
    return len(word) > 6 if word.isupper() else len(word) >= 4 and _VOWEL.search(word) is None
