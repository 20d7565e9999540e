"""Every place that starts a process, ours and the editors', is known and starts it safely."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2]
PACKAGES = ("codeassist", "indexer", "lsp", "eval")
# Calls that start a process, as they are written in Python.
STARTS = frozenset({
    "subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
    "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell", "os.system", "os.popen", "pty.spawn",
})  # fmt: skip
START_NAMES = frozenset({
    "start_io", "execv", "execve", "execvp", "execl", "posix_spawn", "posix_spawnp", "spawnv", "spawnve", "spawnl",
    "fork", "forkpty", "create_subprocess_exec", "create_subprocess_shell", "ProcessPoolExecutor", "get_context",
    "set_start_method", "startfile",
})  # fmt: skip
MODULES = frozenset({"multiprocessing", "concurrent.futures.process", "pty", "commands", "webbrowser"})
# Where a process is started, and what makes it safe there.
KNOWN = {
    "codeassist/models/wheel.py": "module_command, a folder of its own",
    "codeassist/models/hardware.py": "find_program, the program's own folder",
    "codeassist/cli/dashboard/browser.py": "find_program, the program's own folder",
    "lsp/codeassist_lsp/sharing/discovery.py": "its command comes from module_command, the cache folder",
    "indexer/codeassist_indexer/workers/child.py": "python_command, the interpreter's own folder",
    "indexer/codeassist_indexer/analysis/language_server.py": "the user's own program, a folder of its own",
    "indexer/codeassist_indexer/ingest/git.py": "git, with all that a repository could name switched off",
    "eval/codeassist_eval/analysis/runtime_names.py": "the user's own Python, isolated, a folder of its own",
    "eval/codeassist_eval/analysis/typescript_service.py": "find_program, the package's own folder",
    "eval/codeassist_eval/engines/llama_peer.py": "the user's own Python, isolated, its own folder",
    "eval/codeassist_eval/reports/codebleu.py": "the user's own Python, isolated, its own folder",
    "eval/codeassist_eval/speed/large_index/made_index.py": "its command comes from module_command",
    "eval/codeassist_eval/typing/json_rpc_process.py": "the user's own program, its own folder",
    "eval/codeassist_eval/typing/lsp_client.py": "its command comes from module_command",
}


def python_files() -> list[Path]:
    return [file for package in PACKAGES for file in sorted((SOURCES / package).rglob("*.py"))]


def starts_in(tree: ast.Module) -> list[ast.Call]:
    """The calls that start a process."""
    found: list[ast.Call] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in STARTS or name.rpartition(".")[2] in START_NAMES:
            found.append(node)
    return found


def test_every_start_is_known() -> None:
    found = set()
    for file in python_files():
        tree = ast.parse(file.read_text())
        path = file.relative_to(SOURCES).as_posix()
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not imported & MODULES, f"{path}: its workers would import from the current folder; see workers/child.py"
        if starts_in(tree):
            found.add(path)
    assert found == set(KNOWN)


@pytest.mark.parametrize("path", sorted(KNOWN))
def test_each_is_started_in_a_folder_of_its_own_and_with_no_shell(path: str) -> None:
    """The current folder is the repository that somebody has opened: no child may begin in it."""
    for call in starts_in(ast.parse((SOURCES / path).read_text())):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert "shell" not in given
        assert "cwd" in given, f"{path}:{call.lineno} starts a process in the current folder"


@pytest.mark.parametrize("path", sorted(KNOWN))
def test_no_module_is_run_by_name_without_a_safe_path(path: str) -> None:
    """`python -m` and `python -c` put the current folder first on the path; `-P` and `-I` do not."""
    for node in ast.walk(ast.parse((SOURCES / path).read_text())):
        if isinstance(node, ast.List):
            parts = [element.value for element in node.elts if isinstance(element, ast.Constant)]
            if "-m" in parts or "-c" in parts:
                assert {"-P", "-I"} & set(parts), f"{path}:{node.lineno}: neither -P nor -I"
