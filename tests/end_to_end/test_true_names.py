"""Names that a real model writes and that are true stay: seven places at which the analysis once forbade them.

Each answer with the analysis is held against the one without; what the model writes by itself is right at all seven.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from codeassist.cli.sessions.analyses import AnalysisServices
from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.models.registry import find_installed
from codeassist.request import CompletionRequest, NoRetriever
from codeassist.settings import resolve
from tests.end_to_end.conftest import Program
from tests.indexer.analysis.test_installed_python import PACKAGES

pytestmark = pytest.mark.real_model

MODELS = Path(os.environ.get("CODEASSIST_TEST_MODELS", Path.home() / ".cache" / "codeassist-models"))
MODEL = MODELS / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"

FILES = {
    "src/util.ts": "export function helperOne(): number {\n  return 1;\n}\n",
    "src/Level.cs": "namespace Shop\n{\n    public enum Level { Low, High }\n}\n",
    "src/shop/Gson.java": "package shop;\n\npublic class Gson {\n"
    '    public String toJson(Object o) { return ""; }\n}\n',
    "src/shop/GsonBuilder.java": "package shop;\n\npublic class GsonBuilder {\n"
    "    public GsonBuilder setPrettyPrinting() { return this; }\n"
    "    public Gson create() { return new Gson(); }\n}\n",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer begins; `truth` is what the model writes there by itself, empty where that may be anything."""

    path: str
    prefix: str
    truth: str
    suffix: str = "\n"


PLACES = (
    Place(
        "src/App.tsx",
        "import { ",
        "useState",
        '\nimport { helperOne } from "./util";\n\nexport function App() {\n'
        "  const [count, setCount] = useState(helperOne());\n  return <p>{count}</p>;\n}\n",
    ),
    Place(
        "test_sum.py",
        'import pytest\n\n\n@pytest.mark.parametrize(\n    ("a", "b"),\n    [\n        pytest.param(1, 2, id="one"),\n'
        "        pytest.param(",
        "",
        "\n    ],\n)\ndef test_next(a, b):\n    assert a + 1 == b\n",
    ),
    Place("conf.py", "from django.conf import settings\n\nif settings.", "DEBUG", ":\n    print('debug')\n"),
    Place(
        "status.py",
        "from django.db import models\nfrom django.db.models import TextChoices\n\n\nclass Status(TextChoices):\n"
        '    OPEN = "open", "Open"\n    CLOSED = "closed", "Closed"\n\n\nclass Order(models.Model):\n'
        "    first = models.CharField(max_length=10, choices=Status.choices)\n"
        "    status = models.CharField(max_length=10, choices=Status.",
        "choices",
        ")\n",
    ),
    Place(
        "pairs.py",
        "from itertools import ",
        "pairwise",
        "\n\n\ndef steps(values):\n    return [b - a for a, b in pairwise(values)]\n",
    ),
    Place(
        "src/Alarm.cs",
        "namespace Shop\n{\n    public class Alarm\n    {\n"
        "        public bool IsSet(Level? first)\n        {\n            return first.HasValue;\n        }\n\n"
        "        public bool IsAnySet(Level? level, Level? other)\n        {\n            return level.",
        "HasValue",
        " || other.HasValue;\n        }\n    }\n}\n",
    ),
    Place(
        "src/shop/Printer.java",
        "package shop;\n\npublic class Printer {\n    public String print(Object o) {\n"
        "        Gson compact = new GsonBuilder().create();\n        Gson pretty = new ",
        "GsonBuilder()",
        "\n        return pretty.toJson(o) + compact.toJson(o);\n    }\n}\n",
    ),
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    if not MODEL.exists():
        pytest.skip(f"no {MODEL.name} in {MODELS} (CODEASSIST_TEST_MODELS)")
    base = tmp_path_factory.mktemp("true-names")
    made = Program(base / "home", base / "repo", MODEL)
    made.configure(MODEL)
    packages = base / "env" / "lib" / "python3.11" / "site-packages"
    for path, text in PACKAGES.items():
        (packages / path).parent.mkdir(parents=True, exist_ok=True)
        (packages / path).write_text(text)
    own = Path(pytest.__file__).parents[1]
    for name in ("pytest", "_pytest"):
        (packages / name).symlink_to(own / name)
    for path, text in FILES.items():
        made.write(path, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRTUAL_ENV", str(base / "env"))
        yield made


@pytest.fixture(scope="module")
def session(program: Program) -> Iterator[Session]:
    settings = resolve(program.root, (), program.environment()).settings
    model = find_installed("own", settings)
    assert model is not None
    threads = torch.get_num_threads()
    try:
        made = open_session(settings, model, analysts=AnalysisServices(settings))
    finally:
        torch.set_num_threads(threads)
    yield made
    made.close()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path)
def test_a_true_name_stays(session: Session, program: Program, place: Place) -> None:
    program.write(place.path, place.prefix + place.suffix)
    assert session.monitoring is not None
    analyst = session.monitoring.analysts.find(CompletionRequest(place.path, "", "", root=str(program.root)))
    assert analyst is not None
    analyst.warm(CompletionRequest(place.path, place.prefix, place.suffix))
    answers: dict[float | None, str] = {}
    for deadline_ms in (None, 60_000.0):
        request = CompletionRequest(
            place.path, place.prefix, place.suffix, 6, monitor_deadline_ms=deadline_ms, root=str(program.root)
        )
        completion = session.complete(request, NoRetriever())
        answers[deadline_ms] = completion.text
    acts = completion.trace.monitor_acts
    assert answers[None].lstrip().startswith(place.truth), answers
    assert answers[60_000.0] == answers[None], (answers, acts)
    assert acts or not place.truth
    assert all(act.outcome != "late" for act in acts), acts
