"""Drafts verified together get, in a real model, to the last bit what they would get one by one: on real code.

CODEASSIST_TEST_DRAFTED says how many tokens are drafted.
"""

from __future__ import annotations

import inspect
import itertools
import os
import random
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
import torch

from codeassist.completion.open_session import open_session
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.models.registry import find_installed
from codeassist.settings import resolve
from tests.end_to_end.test_true_names import MODEL

pytestmark = pytest.mark.real_model

SEED = 20261130
NUM_DRAFTED = int(os.environ.get("CODEASSIST_TEST_DRAFTED", "600"))
MODULES = ("argparse", "ast", "asyncio.base_events", "calendar", "configparser", "datetime", "decimal", "difflib")
MODULES += ("doctest", "email.message", "enum", "ftplib", "http.client", "imaplib", "inspect", "ipaddress", "locale")
MODULES += ("logging", "mailbox", "optparse", "pathlib", "pdb", "pickle", "platform", "plistlib", "pydoc", "random")
MODULES += ("shutil", "smtplib", "ssl", "statistics", "subprocess", "tarfile", "tempfile", "threading", "turtle")
MODULES += ("typing", "unittest.mock", "urllib.request", "uuid", "xml.dom.minidom", "zipfile")
LONGEST = 1400


def test_drafted_tokens_get_what_they_would_get_alone(tmp_path: Path) -> None:
    if not MODEL.is_file():
        pytest.skip(f"{MODEL} is not there")
    settings = resolve(None, (), {"CODEASSIST_HOME": str(tmp_path)}).settings
    session = open_session(settings, find_installed(str(MODEL), settings))
    try:
        assert session.engine.model.backend.exact_rows
        num_done = 0
        for text in itertools.cycle(_texts(session.tokenizer.encode)):
            num_done += _check(LiveCache(session.engine.model, LONGEST), text)
            if num_done >= NUM_DRAFTED:
                break
    finally:
        session.close()


def _texts(encode: Callable[[str], list[int]]) -> Iterator[list[int]]:
    for name in MODULES:
        tokens = encode(inspect.getsource(import_module(name)))
        for start in range(0, len(tokens) - LONGEST + 1, LONGEST):
            yield tokens[start : start + LONGEST]


def _check(cache: LiveCache, text: list[int]) -> int:
    """Read part of a text, then go on in it with drafts of 1 to 32 tokens; return how many were drafted."""
    rng = random.Random(SEED)
    start = rng.randrange(300, 1000)
    cache.sync(text[:start])
    num_drafted, place = 0, start
    while place < min(len(text), start + 100) - 33:
        run = text[place : place + rng.randrange(2, 34)]
        together = cache.extend(run)
        cache.truncate(place)
        alone = torch.cat([cache.extend([token]) for token in run])
        different = [row for row in range(len(run)) if not torch.equal(together[row], alone[row])]
        assert not different, f"seed {SEED}: rows {different} of {len(run)} after {place} tokens"
        num_drafted += len(run) - 1
        place += len(run)
    return num_drafted
