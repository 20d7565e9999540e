"""What a language server imports on its way to the first completion, and how PyTorch gets there."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

from tests.end_to_end.conftest import MAIN, Program
from tests.lsp.editor import Editor

_IMPORTED = re.compile(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", re.MULTILINE)
# What other commands need, and what takes long to import. (A first use reads the model with gguf, to convert it.)
_COLD = {"transformers", "huggingface_hub", "matplotlib", "jedi", "parso", "pandas", "scipy", "rich", "httpx"}


def test_nothing_that_a_completion_does_not_need_is_imported(program: Program) -> None:
    async def session() -> str:
        command = [sys.executable, "-X", "importtime", "-c", MAIN, "serve"]
        editor = await Editor(command, program.root, program.environment()).start()
        await editor.in_service()
        editor.open("src/app.py", (program.root / "src/app.py").read_text())
        await editor.ask("src/app.py", 3, 11)
        _, err = await editor.stop()
        return err

    imported = {name.partition(".")[0] for name in _IMPORTED.findall(asyncio.run(session()))}
    assert {"torch", "tokenizers", "pygls", "codeassist_lsp"} <= imported
    assert sorted(imported & _COLD) == []


def test_torch_is_imported_ahead_and_its_objects_are_looked_at_no_more() -> None:
    script = (
        "import gc, sys; from codeassist.engine.loading.torch_ahead import import_torch_ahead; "
        "thread = import_torch_ahead(); assert not gc.isenabled(); thread.join(); "
        "print('torch' in sys.modules, gc.isenabled(), gc.get_freeze_count() > 100_000); "
        "import torch; print(float((torch.ones(3, 3) @ torch.ones(3)).sum())); "
        "import codeassist.engine.engine, codeassist.engine.loading.weights; print('gguf' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "True True True\n9.0\nFalse\n"


def test_without_torch_the_one_who_uses_it_is_told() -> None:
    script = (
        "import gc, logging, sys; logging.basicConfig(); sys.modules['torch'] = None; "
        "from codeassist.engine.loading.torch_ahead import import_torch_ahead; "
        "import_torch_ahead().join(); print(gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "True\n" and "was not loaded ahead" in done.stderr
