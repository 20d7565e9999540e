"""Completions by a real session: markers in code stay text, and a name that stands only in another file is found."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from codeassist.cli.sessions.repository import open_context
from codeassist.completion.document_state import DocumentState
from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.models.registry import find_installed
from codeassist.progress import silent
from codeassist.prompts.templates import special_token_texts
from codeassist.request import CompletionRequest, NoRetriever
from codeassist.settings import Override, resolve
from tests.end_to_end.conftest import Program

MODELS = Path(os.environ.get("CODEASSIST_TEST_MODELS", Path.home() / ".cache" / "codeassist-models"))
# The first that is there: the small one converts in seconds.
REAL = ("smollm2-135m-instruct-q4_1.gguf", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")


def test_every_family_s_markers_in_code_reach_the_model_as_text(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the file on both sides of the cursor, in a snippet of another file, in the paths of both."""
    markers = sorted(special_token_texts())
    marked = "".join(f"points = shapes.area('{marker}')  # {marker}{marker}\n" for marker in markers)
    path = "src/<|file_sep|><fim_middle>.py"
    program.write(
        "src/<|fim_middle|>other.py", "def polygon_area(points, shapes):\n    " + marked.splitlines()[0] + "\n"
    )
    program.write(path, marked)
    settings = resolve(program.root, [Override("context.mode", "lexical", "test")], program.environment()).settings
    model = find_installed("own", settings)
    assert model is not None
    threads = torch.get_num_threads()
    try:
        session = open_session(settings, model)
    finally:
        torch.set_num_threads(threads)
    prompts = prompts_of(session, monkeypatch)
    context = open_context(program.root, settings, silent)
    request = CompletionRequest(path, marked[: len(marked) // 2], marked[len(marked) // 2 :], max_new_tokens=4)
    completion = session.complete(request, context.retriever)
    assert [used.snippet.path for used in completion.snippets] != []
    special = set(session.tokenizer.special.values())
    template = session.prompter.template
    assert template.fim is not None and template.file is not None and template.repository is not None
    names = {number: name for name, number in session.tokenizer.special.items()}
    ours = [names[token] for token in prompts[0] if token in special]
    files = [template.file] * (len(completion.snippets) + 1)
    assert ours == [template.repository, *files, template.fim.prefix, template.fim.suffix, template.fim.middle]
    text = session.tokenizer.decode_bytes(prompts[0]).decode(errors="replace")
    assert "<|fim_middle|>other.py" in text and "<|file_sep|><fim_middle>.py" in text


def prompts_of(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return the list to which every prompt will be added that the session gives its engine."""
    prompts: list[tuple[int, ...]] = []
    generate: Callable[..., object] = session.engine.generate

    def spy(cache: object, prompt: tuple[int, ...], *arguments: object, **options: object) -> object:
        prompts.append(tuple(prompt))
        return generate(cache, prompt, *arguments, **options)

    monkeypatch.setattr(session.engine, "generate", spy)
    return prompts


@pytest.mark.real_model
def test_a_real_model_writes_a_name_that_stands_only_in_the_other_file(program: Program) -> None:
    real = next((MODELS / name for name in REAL if (MODELS / name).exists()), None)
    if real is None:
        pytest.skip(f"neither {' nor '.join(REAL)} in {MODELS} (CODEASSIST_TEST_MODELS)")
    program.configure(real)
    program.write(
        "src/shapes.py",
        "def polygon_area_by_shoelace(points: list[tuple[float, float]]) -> float:\n"
        '    """Return the area of a polygon from its corners."""\n'
        "    pairs = zip(points, points[1:] + points[:1])\n"
        "    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2\n",
    )
    program.write(
        "src/app.py",
        '"""Prints the area of each field."""\n\nfrom src import shapes\n\n\n'
        "def print_areas(fields: dict[str, list[tuple[float, float]]]) -> None:\n"
        '    """Print each field\'s name and the area of its polygon."""\n'
        "    for name, points in fields.items():\n"
        "        area = shapes.polygon\n"
        '        print(f"{name}: {area}")\n',
    )
    done = program.run("complete", "src/app.py:9:30", "--json", "--set", "completion.max_new_tokens=16")
    done.completes()
    document = json.loads(done.out)
    assert document["text"].startswith("_area_by_shoelace(points)"), document
    assert document["snippets"][0]["path"] == "src/shapes.py"


HALF_TYPED = (
    ("def deliver(customerAddress: str) -> None:\n    send(", "customerAddress", ")\n"),
    ("def open_it(path: str) -> ", "Document", ":\n    ...\n"),
    ("from ", "codeassist_lsp", ".documents import text\n"),
)


@pytest.mark.real_model
def test_a_real_model_finishes_half_typed_words(program: Program) -> None:
    """None of these beginnings is a token, or one that a model goes on with (`cus` became `cusomerAddress`)."""
    real = next((MODELS / name for name in REAL if (MODELS / name).exists()), None)
    if real is None:
        pytest.skip(f"neither {' nor '.join(REAL)} in {MODELS} (CODEASSIST_TEST_MODELS)")
    program.configure(real)
    settings = resolve(program.root, [Override("model.threads", 1, "test")], program.environment()).settings
    model = find_installed("own", settings)
    assert model is not None
    threads = torch.get_num_threads()
    try:
        session = open_session(settings, model)
    finally:
        torch.set_num_threads(threads)
    above = (
        "from codeassist_lsp.documents import Document\n\n\n"
        "class Customer:\n    def __init__(self, customerAddress: str) -> None:\n"
        "        self.customerAddress = customerAddress\n\n\n"
        "def send(address: str) -> None: ...\n\n\n"
    )
    for before, word, after in HALF_TYPED:
        document = DocumentState()
        for num_typed in (1, 3):
            prefix = above + before + word[:num_typed]
            request = CompletionRequest("src/app.py", prefix, after, max_new_tokens=8)
            completion = session.complete(request, NoRetriever(), document=document)
            assert re.match(r"\w*", completion.text)[0] == word[num_typed:], completion  # type: ignore[index]
            if num_typed > 1:
                num_read = completion.trace.num_prompt_tokens - completion.trace.num_cached_tokens
                assert num_read == 1, "only the last token: the prompt stays what it is"
        document.close()
