"""Messages in a stream of bytes: cut anywhere, and found again after garbage."""

from __future__ import annotations

import random

import pytest

from codeassist_lsp.transport import framing
from codeassist_lsp.transport.framing import Framing

SEED = 20261122


def message(body: bytes, header: str = "Content-Length: {}\r\n\r\n") -> bytes:
    return header.format(len(body)).encode() + body


def fed(*pieces: bytes) -> list[bytes]:
    reader = Framing()
    return [body for piece in pieces for body in reader.feed(piece)]


def test_a_stream_cut_anywhere_gives_the_same_messages() -> None:
    rng = random.Random(SEED)
    bodies = [bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 40, 3000)))) for _ in range(40)]
    stream = b"".join(message(body) for body in bodies)
    for _ in range(50):
        cuts = sorted(rng.randrange(len(stream)) for _ in range(rng.randrange(60)))
        pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert fed(*pieces) == bodies, f"seed {SEED}"
    assert fed(*(stream[i : i + 1] for i in range(400))) == fed(stream[:400])


def test_other_headers_and_spellings_are_read_over() -> None:
    header = "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:{}\n\n"
    assert fed(message(b"{}", header)) == [b"{}"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"\r\n\r\n\n",
        b"Content-Length: -5\r\n\r\nabcde",
        b"Content-Length: five\r\n\r\n{}",
        b"Content-Length: 2\r\n\r\n{}{}{}",  # two bodies too many, and no line end before the next header
        b"\x00\xff\xfe" * 1000,
        b"x" * 200_000,
    ],
)
def test_the_message_behind_garbage_is_found(garbage: bytes) -> None:
    assert fed(garbage, message(b"[1]"), message(b"[2]"))[-2:] == [b"[1]", b"[2]"]


def test_garbage_without_an_end_is_not_kept() -> None:
    reader = Framing()
    for _ in range(100):
        assert list(reader.feed(b"x" * 10_000)) == []
    assert len(reader._buffer) < 100_000
    assert list(reader.feed(message(b"{}"))) == [b"{}"]


def test_a_body_larger_than_any_document_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MOST_BODY_BYTES", 1000)
    huge = message(b"y" * 5000)
    assert fed(huge[:17], huge[17:3000], huge[3000:] + message(b"{}")) == [b"{}"]


@pytest.mark.parametrize("announced", [3, 100, 50_000, 999_999_999_999, 10**17])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"a": "Content-Length: 5\\r\\n\\r\\n{}"}'])
def test_a_length_that_is_not_kept_costs_one_message(announced: int, body: bytes) -> None:
    """The next header is found, for a raw line end stands in no JSON string."""
    wrong = b"Content-Length: %d\r\n\r\n" % announced + body
    good = [b'{"id": 1}', b'{"id": 2}', b'{"id": 3}']
    stream = wrong + b"".join(message(each) for each in good)
    whole, byte_by_byte = fed(stream), fed(*(stream[i : i + 1] for i in range(len(stream))))
    assert whole[-2:] == byte_by_byte[-2:] == good[-2:]
    assert announced < 10 or whole[-3:] == good


def test_text_about_headers_is_text() -> None:
    bodies = [
        b'{"text": "Content-Length: 2\\r\\n\\r\\n{}"}',
        b'{\n "text": "Content-Length: 2"\n}',
        b'["Content-Length:"]',
        b'{"text": "' + b"Content-Length: 1\\n" * 10_000 + b'"}',
    ]
    stream = b"".join(message(body) for body in bodies)
    assert fed(*(stream[i : i + 700] for i in range(0, len(stream), 700))) == bodies
