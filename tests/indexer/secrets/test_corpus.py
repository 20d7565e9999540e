"""Over two hundred kinds of secrets, each in many places: none of it is left, and the code around stays as it was."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator

import pytest

from codeassist_indexer.secrets.redaction import redact, redact_around
from tests.indexer.secrets.corpus import Sample, key_samples, named_samples, token_samples
from tests.indexer.secrets.formats import FORMATS
from tests.indexer.secrets.places import NAMED

SAMPLES = {"tokens": token_samples, "names": named_samples, "keys": key_samples}
NO_SECRET = frozenset("*\n\r \t\"'+/\\,;#")  # what may stand between the lines of a key: white space, quotes, comments


def left_of(sample: Sample, redacted: str) -> str:
    """What is left of the secret, white space and punctuation of its lines aside."""
    place = redacted[sample.start : sample.start + len(sample.secret)].replace("\\n", "")
    return "".join(letter for letter in place if letter not in NO_SECRET)


@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_nothing_is_left_of_any_kind(samples: Callable[[int], Iterator[Sample]]) -> None:
    seed = random.randrange(1 << 30)
    found = list(samples(seed))
    left = [each for each in found if left_of(each, redact(each.text, each.path).text)]
    # One random value in some thousands reads like a name of code; formats and keys have no such chance.
    allowed = len(found) // 200 if samples is named_samples else 0
    assert len(left) <= allowed, f"seed {seed}: {left}"


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_left_of_any_named_value(seed: int) -> None:
    assert not [each for each in named_samples(seed) if left_of(each, redact(each.text, each.path).text)]


def test_there_are_enough_kinds() -> None:
    assert len(FORMATS) >= 100 and len(NAMED) >= 100
    assert len({sample.kind for each in SAMPLES.values() for sample in each(1)}) >= 250


@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_what_stands_around_a_secret_stays(samples: Callable[[int], Iterator[Sample]]) -> None:
    for sample in samples(random.randrange(1 << 30)):
        redacted = redact(sample.text, sample.path).text
        assert len(redacted) == len(sample.text)
        before, after = sample.text[: sample.start], sample.text[sample.start + len(sample.secret) :]
        kept_before, kept_after = redacted[: sample.start], redacted[sample.start + len(sample.secret) :]
        assert kept_before.partition("\n")[0] in (before.partition("\n")[0], kept_before), sample.text
        assert kept_before.count("*") <= 12 + before.count("*") and kept_after.count("*") <= 4 + after.count("*"), (
            sample
        )


@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_the_cursor_at_every_position_inside(samples: Callable[[int], Iterator[Sample]]) -> None:
    seed = 1 if samples is named_samples else random.randrange(1 << 30)
    chooser = random.Random(seed)
    by_kind: dict[str, list[Sample]] = {}
    for sample in samples(seed):
        by_kind.setdefault(sample.kind, []).append(sample)
    for sample in (chooser.choice(found) for found in by_kind.values()):
        step = 1 + len(sample.secret) // 40  # each position of those up to 40 characters long
        for cursor in range(sample.start, sample.start + len(sample.secret) + 1, step):
            prefix, suffix = redact_around(sample.text[:cursor], sample.text[cursor:], sample.path)
            assert (len(prefix), len(suffix)) == (cursor, len(sample.text) - cursor)
            assert not left_of(sample, prefix + suffix), (
                sample.kind,
                sample.path,
                cursor - sample.start,
                f"seed {seed}",
            )


def test_a_named_value_goes_from_its_first_character_on() -> None:
    for prefix, path in (
        ("password = 'h", "a.py"), ("api_key: h", "a.yaml"), ("DB_PASS=h", "x.sh"), ("const token = `h", "a.ts"),
        ("postgres://admin:h", "a.py"), ("Authorization: Bearer h", "x.http"), ("# password: h", "a.py"),
        ("<password>h", "a.xml"), ("os.environ['TOKEN'] = \"h", "a.py"), ("curl -u me:h",
        "x.sh"), ("key = 'gh" + "p_h", "a.py"),
        ("-----BEGIN PRIVATE" + " KEY-----\nh", "k"),
    ):  # fmt: skip
        for suffix in ("", "'\n", "\nx = 1\n"):
            assert redact_around(prefix, suffix, path)[0].endswith("*"), prefix
            assert redact_around(prefix, suffix, path)[1] in (suffix, suffix.replace("'", "*")), prefix


def test_code_that_is_being_typed_stays() -> None:
    for text in (
        "password = getpass", "token = tokenizer.ne", "if key == na", "def login(password: st",
        "api_key = os.environ['API_K", "self.secret = sec", "url = f'http://localhost:80", "raise TokenError('unexp",
        "x = passwords[0].le", "color = '#a1b2",
    ):  # fmt: skip
        assert redact_around(text, "\n", "a.py") == (text, "\n")


HOSTILE = (
    "token ", "token=", "token='", 'token="a1', "tokentoken", "password: |\n", "pass(\n", "://a:b@", "://:",
    "gh" + "p_", "eyJ.", "AK" + "IA",
    "-----BEGIN RSA PRIVATE" + " KEY-----\n", "-----END RSA PRIVATE" + " KEY-----\nAAAA\n", "A", "1:", "${",
    "token='{{", "bearer ", '"d":"', " -u a:b",
    "kind: Secret\ndata:\n  a: b\n", "token=a.", "user=password=", "identified by ", "token=`", "token='''",
    "secret: a | b", "\\\"", "<key>token</key>",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_work_grows_with_the_text_and_no_faster(piece: str) -> None:
    """Counted in calls: each looks at a bounded stretch of text, or is RE2's, which is linear."""
    small, large = (piece * (size // len(piece)) for size in (5_000, 20_000))
    for path in ("a.py", "a.yaml"):
        redact(small, path)
        assert num_calls(large, path) <= 4.4 * num_calls(small, path) + 500, path


def num_calls(text: str, path: str) -> int:
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        redact(text, path)
    finally:
        sys.setprofile(None)
    return count
