"""Secrets of all kinds, made at run time from a seed.

A kind is a service's format, or a place in which a value stands that has a name only.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.indexer.secrets.formats import BASE64, FORMATS
from tests.indexer.secrets.places import NAMED, PLACES, drawn


@dataclass(frozen=True, slots=True)
class Sample:
    """A text with a secret in it, in a file at `path`. `start`: where the secret begins."""

    kind: str
    path: str
    text: str
    secret: str
    start: int


def token_samples(seed: int) -> Iterator[Sample]:
    """Every service's format in every place."""
    chooser = random.Random(seed)
    for kind, parts in FORMATS.items():
        for path, place in PLACES.items():
            secret = "".join(part if isinstance(part, str) else drawn(chooser, *part) for part in parts)
            yield _sample(kind, path, place, secret)


def named_samples(seed: int) -> Iterator[Sample]:
    """Every kind of place with every kind of value that is tried there."""
    chooser = random.Random(seed)
    for kind, path, place, makes in NAMED:
        for make in makes:
            yield _sample(kind, path, place, make(chooser))


def key_samples(seed: int) -> Iterator[Sample]:
    """Private keys in armour, in files, literals and configuration."""
    chooser = random.Random(seed)
    for label in ("RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", ""):
        lines = [drawn(chooser, BASE64, 64) for _ in range(6)] + [drawn(chooser, BASE64, 18) + "=="]
        begin, end = f"-----BEGIN {label}PRIVATE" + " KEY-----", f"-----END {label}PRIVATE" + " KEY-----"
        for kind, path, joint, place in (
            ("key file", "notes", "\n", "{}\n"),
            ("key in a literal", "a.py", "\n", 'key = """{}"""\nx = 1\n'),
            ("key, escaped", "a.json", "\\n", '{{"private_key": "{}", "x": 1}}\n'),
            ("key in YAML", "a.yaml", "\n    ", "tls:\n  data: |\n    {}\nother: 1\n"),
            ("key in pieces", "A.java", '\\n" +\n    "', 'String pem = "{}";\nint x;\n'),
            ("key in comments", "a.go", "\n// ", "// {}\nfunc f() {{}}\n"),
        ):
            body = joint + joint.join(lines) + joint
            text = place.format(begin + body + end)
            yield Sample(f"{label}{kind}", path, text, body, text.index(body))


def _sample(kind: str, path: str, place: str, secret: str) -> Sample:
    marker = "\0"
    start = place.format(marker).index(marker)
    return Sample(kind, path, place.format(secret), secret, start)
