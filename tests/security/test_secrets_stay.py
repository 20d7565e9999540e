"""What a real server on the loopback address receives, byte for byte, while secrets are typed, pasted and passed by.

Each attempt tries to get a secret out of the machine: the cursor in it, before it, behind it; the file it stands in
ignored, named like keys, behind a link; the secret in a snippet; the server failing, so that the request is sent again.
"""

from __future__ import annotations

import itertools
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from codeassist.cli.sessions.remote_session import redactors
from codeassist.remote.fallback import Patience, RemoteWithFallback
from codeassist.remote.tokenizer_files import load_tokenizer
from codeassist.request import CompletionRequest, NoRetriever, Retrieval, Snippet
from codeassist.tokenization.tokens import Tokenizer
from codeassist_indexer.ingest.private_files import PrivateFiles
from codeassist_indexer.open_document.reader import READER, DocumentReader
from tests.completions_server import CompletionsServer, Status
from tests.indexer.secrets.corpus import Sample, key_samples, named_samples, token_samples
from tests.indexer.secrets.formats import FORMATS
from tests.indexer.secrets.places import NAMED
from tests.remote.engine_at import Local, engine_at
from tests.tiny_models import train_tokenizer

WITHOUT_MARK = {  # nothing before their last characters says what they are; typed alone they are known when random
    "Airtable", "Asana", "Bitcoin key", "Discord bot", "Entra ID", "Firebase", "Harness", "LaunchDarkly", "Mailchimp",
    "MaxMind", "Octopus", "Resend", "Salesforce", "Telegram", "Terraform Cloud", "Twilio key", "Twilio account",
    "Twitch", "Vault, old", "bcrypt", "crypt", "1Password", "Bitcoin extended", "URL, token alone", "JSON web key",
    "nothing but entropy", "weak name", "cookie",
}  # fmt: skip
SCRIPTED = "tests.indexer.open_document.scripted_process"
FEWEST_CHARS = 6  # a stretch of a secret that tells something of it


@pytest.fixture(scope="module")
def theirs() -> PreTrainedTokenizerFast:
    return train_tokenizer("qwen2")


@pytest.fixture(scope="module")
def ours(theirs: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    theirs.save_pretrained(folder)
    return load_tokenizer(folder)


@pytest.fixture(scope="module")
def server(theirs: PreTrainedTokenizerFast) -> Iterator[CompletionsServer]:
    with CompletionsServer(theirs, lambda prompt: " x\n") as running:
        yield running


@pytest.fixture
def engine(server: CompletionsServer, ours: Tokenizer) -> Iterator[RemoteWithFallback]:
    server.received.clear()
    server.requests.clear()
    with closing(open_engine(server, ours)) as running:
        yield running


def open_engine(
    server: CompletionsServer, ours: Tokenizer, folders: tuple[str, ...] = ("*",), reader: DocumentReader = READER
) -> RemoteWithFallback:
    return engine_at(
        server.url,
        ours,
        Local(),
        repositories=folders,
        patience=Patience(20, 20, 1),
        keeps_here=PrivateFiles(folders, ()).why,
        redactors=redactors(reader),
        context_tokens=2_000,
    )


def one_of_each(samples: Iterator[Sample], seed: int) -> list[Sample]:
    """One sample of each kind, in a place that the seed chooses."""
    by_kind: dict[str, list[Sample]] = {}
    for sample in samples:
        by_kind.setdefault(sample.kind, []).append(sample)
    chooser = random.Random(seed)
    return [chooser.choice(found) for found in by_kind.values()]


def texts_received(server: CompletionsServer, ours: Tokenizer) -> bytes:
    """All that arrived: the bodies as they came, and what their token ids spell."""
    prompts = [request["prompt"] for request in server.requests]
    spelt = [ours.decode_bytes(prompt) if isinstance(prompt, list) else prompt.encode() for prompt in prompts]
    return b"\n".join([*server.received, *spelt])


def stretches(sample: Sample) -> list[bytes]:
    """Stretches of the secret behind its public mark, each of which would give some of it away."""
    parts = FORMATS.get(sample.kind, ())
    mark = sum(len(part) for part in itertools.takewhile(lambda part: isinstance(part, str), parts))
    lines = sample.secret[mark:].replace("\\n", "\n").split("\n")
    cut = [line.strip(" \t\"'+/") for line in lines]
    return [line[at : at + FEWEST_CHARS].encode() for line in cut for at in range(0, len(line) - FEWEST_CHARS + 1, 3)]


def some_of_each(seed: int) -> list[Sample]:
    """A third of all kinds, other ones with each seed; that none leaves anything is tested without a server for all."""
    kinds = [*one_of_each(token_samples(seed), seed), *one_of_each(key_samples(seed), seed)]
    kinds += one_of_each(
        named_samples(seed % 3), seed
    )  # values that are known to be redacted: a few random ones are not
    return random.Random(seed).sample(kinds, len(kinds) // 3)


def ask(
    engine: RemoteWithFallback, path: str, prefix: str, suffix: str, *found: Snippet, root: str | None = None
) -> str:
    class Retriever:
        def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
            return Retrieval(found)

    request = CompletionRequest(path, prefix, suffix, max_new_tokens=4, root=root)
    return engine.complete(request, Retriever() if found else NoRetriever()).text


def test_the_cursor_in_a_secret_of_any_kind(
    server: CompletionsServer, ours: Tokenizer, engine: RemoteWithFallback
) -> None:
    seed = random.randrange(1 << 30)
    chooser = random.Random(seed)
    for sample in some_of_each(seed):
        server.received.clear()
        server.requests.clear()
        for at in (0, chooser.randrange(1, len(sample.secret)), len(sample.secret)):
            cursor = sample.start + at
            assert ask(engine, sample.path, sample.text[:cursor], sample.text[cursor:]) == " x"
        received = texts_received(server, ours)
        told = [stretch for stretch in stretches(sample) if stretch in received]
        assert len(server.requests) >= 3 and not told, (sample.kind, sample.path, told, f"seed {seed}")


def test_a_secret_that_is_being_typed(server: CompletionsServer, ours: Tokenizer, engine: RemoteWithFallback) -> None:
    """Nothing closes it yet, at the end of the file or above more lines."""
    seed = random.randrange(1 << 30)
    chooser = random.Random(seed)
    for sample in (sample for sample in some_of_each(seed) if sample.kind not in WITHOUT_MARK):
        server.received.clear()
        server.requests.clear()
        rest = "\n" + sample.text[sample.start + len(sample.secret) :].partition("\n")[2]
        for suffix in ("", rest):
            cursor = sample.start + chooser.randrange(len(sample.secret) // 2, len(sample.secret) + 1)
            assert ask(engine, sample.path, sample.text[:cursor], suffix) == " x"
        received = texts_received(server, ours)
        told = [stretch for stretch in stretches(sample) if stretch in received]
        assert not told, (sample.kind, sample.path, told, f"seed {seed}")


def test_a_secret_in_a_snippet_and_in_a_request_that_is_sent_again(
    server: CompletionsServer, ours: Tokenizer, engine: RemoteWithFallback
) -> None:
    seed = random.randrange(1 << 30)
    samples = one_of_each(token_samples(seed), seed)[:20]
    ask(engine, "a.py", "x =", "\n")
    for sample in samples:
        server.faults.append(Status(500))
        num_before = len(server.requests)
        found = Snippet(sample.path, sample.text, 1, 9, "bm25", 1.0, "near")
        ask(engine, "b" + sample.path, sample.text, "\n", found)
        assert len(server.requests) == num_before + 2, "refused once, then answered"
        received = texts_received(server, ours)
        told = [stretch for stretch in stretches(sample) if stretch in received]
        assert not told, (sample.kind, told, f"seed {seed}")


def test_a_text_that_cannot_be_searched_stays_here(server: CompletionsServer, ours: Tokenizer) -> None:
    """The process hangs, dies, fails, or tells of secrets where none can stand; with remote.fallback and without."""
    texts = ["loop", "crash", "fail", "babble", "lie", "[[0, 99]]", "[[2, 1]]", "[[0, 3], [1, 4]]", "[0]"]
    local = Local()
    with closing(DocumentReader(SCRIPTED)) as reader, closing(open_engine(server, ours, reader=reader)) as engine:
        engine._open_local = lambda: local
        for number, text in enumerate(texts):
            server.received.clear()
            engine._falls_back = number % 2 == 0
            for _ in range(2):
                request = CompletionRequest(f"{number}.py", text, "", max_new_tokens=4)
                completion = engine.complete(request, NoRetriever())
                assert completion.text == "local" and completion.trace.sent is None, text
                [notice] = completion.trace.notices
                assert "completed on this machine: its text could not be searched for keys and passwords" in notice
            assert number == 0 or not server.received, "no more than what a server can do is asked, once"
        assert len(local.requests) == 2 * len(texts)
        num_before = len(server.requests)
        whole = CompletionRequest("b.py", "[[1, 2], ", "[5, 6]]", max_new_tokens=4)
        assert engine.complete(whole, NoRetriever()).text == " x", "the next document is searched by the next process"
        prompt = ours.decode_bytes(server.requests[num_before]["prompt"])
        assert b"[*1, " in prompt and b"[[1, " not in prompt


def test_a_text_that_takes_too_long_to_search_and_the_one_after_it(server: CompletionsServer, ours: Tokenizer) -> None:
    """With the real process: it is ended by its limit of processor time, and another one takes its place."""
    local = Local()
    with closing(DocumentReader()) as reader, closing(open_engine(server, ours, reader=reader)) as engine:
        engine._open_local = lambda: local
        server.received.clear()
        assert ask(engine, "a.py", "token = " * 1_000_000, "x\n") == "local"
        assert not [each for each in server.received if b"token = token" in each]
        assert ask(engine, "b.py", "password = 'tulip47Br", "'\n") == " x"
        assert b"tulip" not in texts_received(server, ours)


def test_a_snippet_that_cannot_be_searched_is_left_out(server: CompletionsServer, ours: Tokenizer) -> None:
    found = [Snippet(f"{text}.py", text, 1, 2, "bm25", 1.0, "near") for text in ("crash", "[[0, 2], [3, 4]]", "loop")]
    with closing(DocumentReader(SCRIPTED)) as reader, closing(open_engine(server, ours, reader=reader)) as engine:
        server.received.clear()
        server.requests.clear()
        assert ask(engine, "a.py", "[]", "", *found) == " x"
        received = texts_received(server, ours)
        assert b"**0* 2], [3, 4]]" in received and b"crash" not in received and b"loop" not in received


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "mine"
    (root / "src").mkdir(parents=True)
    (root / "private").mkdir()
    (root / ".gitignore").write_text("/private/\n*.local.py\n")
    for name in ("src/a.py", "private/plan.py", "src/a.local.py"):
        (root / name).write_text("plan = 'inherit the moon'\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True, timeout=30)
    return root.resolve()


def link_to_ignored(root: Path) -> str:
    (root / "src" / "b.py").symlink_to(root / "private" / "plan.py")
    return "src/b.py"


def link_to_keys(root: Path) -> str:
    (root / ".env").write_text("PLAN=inherit the moon\n")
    (root / "settings.py").symlink_to(".env")
    return "settings.py"


def link_out(root: Path) -> str:
    outside = root.parent / "merger-with-acme"
    outside.mkdir()
    (outside / "plan.py").write_text("plan = 1\n")
    (root / "src" / "c.py").symlink_to(outside / "plan.py")
    return "src/c.py"


def folder_link_out(root: Path) -> str:
    outside = root.parent / "merger-with-acme"
    outside.mkdir()
    (outside / "plan.py").write_text("plan = 1\n")
    (root / "lib").symlink_to(outside, target_is_directory=True)
    return "lib/plan.py"


def circle(root: Path) -> str:
    (root / "o.py").symlink_to("o.py")
    return "o.py"


@pytest.mark.parametrize(
    "place",
    [
        lambda root: "private/plan.py",
        lambda root: "src/a.local.py",
        lambda root: "node_modules/x/index.js",
        lambda root: ".env-prod",
        lambda root: "deploy/kubeconfig.yaml",
        link_to_ignored,
        link_to_keys,
        link_out,
        folder_link_out,
        circle,
    ],
    ids=["ignored folder", "ignored file", "vendored", "environment", "kubeconfig", "link to ignored", "link to keys",
         "link out", "folder link out", "link in a circle"],
)  # fmt: skip
def test_whose_text_never_leaves(
    server: CompletionsServer, ours: Tokenizer, repository: Path, place: Callable[[Path], str]
) -> None:
    path = place(repository)
    server.received.clear()
    local = Local()
    for folders in (("*",), (str(repository),)):
        with closing(open_engine(server, ours, folders)) as engine:
            engine._open_local = lambda: local
            request = CompletionRequest(path, "plan = 'inherit the moon'", "\n", root=str(repository))
            completion = engine.complete(request, NoRetriever())
            assert completion.text == "local" and completion.trace.sent is None
            [notice] = completion.trace.notices
            assert notice.startswith("completed on this machine: ") and "acme" not in notice
    assert not server.received and len(local.requests) == 2


def test_what_the_users_own_excludes_name_and_what_is_tracked(
    server: CompletionsServer, ours: Tokenizer, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configuration" / "git").mkdir(parents=True)
    (tmp_path / "configuration" / "git" / "ignore").write_text("notes.py\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    (repository / "notes.py").write_text("x = 1\n")
    (repository / ".codeassistignore").write_text("draft.py\n")
    (repository / "draft.py").write_text("x = 1\n")
    git = ["git", "-C", str(repository)]
    subprocess.run([*git, "add", "-f", "src/a.local.py"], check=True, timeout=30)
    with closing(open_engine(server, ours)) as engine:
        assert ask(engine, "notes.py", "x =", "\n", root=str(repository)) == "local"
        assert ask(engine, "draft.py", "x =", "\n", root=str(repository)) == "local"
        assert ask(engine, "src/a.local.py", "x =", "\n", root=str(repository)) == " x", "git tracks it"


def test_an_ignored_folder_goes_where_the_user_names_it(
    server: CompletionsServer, ours: Tokenizer, repository: Path
) -> None:
    folders = (str(repository), str(repository / "private"))
    with closing(open_engine(server, ours, folders)) as engine:
        assert ask(engine, "private/plan.py", "x =", "\n", root=str(repository)) == " x"
        assert ask(engine, "src/a.local.py", "x =", "\n", root=str(repository)) == "local"
        assert ask(engine, "src/a.py", "x =", "\n", root=str(repository)) == " x"
    with closing(open_engine(server, ours, (str(repository / "private"),))) as engine:
        assert ask(engine, "private/plan.py", "x =", "\n", root=str(repository)) == "local", (
            "the repository is not named"
        )


def test_every_kind_that_is_known_only_when_whole_is_one_of_ours() -> None:
    kinds = {*FORMATS, *(kind for kind, *_ in NAMED)}
    assert kinds >= WITHOUT_MARK and len(kinds) - len(WITHOUT_MARK) >= 200
