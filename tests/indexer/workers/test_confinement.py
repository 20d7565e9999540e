"""What a confined process can do, tried from within: each attempt runs in a process of its own.

Each attempt also runs with one fence alone, the kernel's or Python's: both must hold by themselves.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from codeassist.processes import python_command
from codeassist_indexer.workers.landlock import landlock_version

HARNESS = """
import ctypes, json, os, socket, sqlite3, sys, threading
import codeassist_indexer.workers.confinement as confinement
allowed, outside, fence, attempt = sys.argv[1:5]
libc = ctypes.CDLL(None, use_errno=True)
if fence == "python":
    confinement.restrict_files = confinement.restrict_calls = lambda *_: False
    confinement._limit_resources = lambda *_: False
elif fence == "system":
    sys.addaudithook = lambda *_: None
if fence != "none":
    confinement.confine([allowed], 1 << 30)
try:
    exec(compile(attempt, "attempt", "exec"))
    print(json.dumps("done"))
except BaseException as error:
    print(json.dumps(f"{type(error).__name__}: {error}"))
sys.stdout.flush()
os._exit(0)
"""

# What must fail.
FORBIDDEN = {
    "write inside": "open(allowed + '/new.txt', 'w').write('x')",
    "write outside": "open(outside + '/new.txt', 'w').write('x')",
    "append": "open(allowed + '/inside.txt', 'a').write('x')",
    "read outside": "open(outside + '/secret.txt').read()",
    "read through a link": "open(allowed + '/link/secret.txt').read()",
    "list outside": "assert os.listdir(outside)",
    "list through a link": "assert os.listdir(allowed + '/link')",
    "remove": "os.remove(allowed + '/inside.txt')",
    "rename": "os.rename(allowed + '/inside.txt', allowed + '/other.txt')",
    "make a folder": "os.mkdir(allowed + '/folder')",
    "link": "os.symlink(outside, allowed + '/another')",
    "chmod": "os.chmod(allowed + '/inside.txt', 0o777)",
    "utime": "os.utime(allowed + '/inside.txt', (1, 1))",
    "truncate": "os.truncate(allowed + '/inside.txt', 0)",
    "xattr": "os.setxattr(allowed + '/inside.txt', 'user.a', b'b')",
    "fork": "os.fork() or os._exit(0)",
    "exec": "os.execv('/bin/true', ['true'])",
    "system": "assert os.system('true') == 0",
    "subprocess": "import subprocess; subprocess.run(['/bin/true'], check=True)",
    "fork_exec": "import subprocess; subprocess._fork_exec([b'/bin/true'], (b'/bin/true',), True, (), None, None,"
    " -1, -1, -1, -1, -1, -1, *os.pipe(), False, False, -1, None, None, None, -1, None, False)",
    "kill": "os.kill(os.getppid(), 0)",
    "tcp": "socket.create_connection(('127.0.0.1', int(open(allowed + '/port.txt').read())), timeout=5)",
    "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "unix socket": "socket.socket(socket.AF_UNIX).connect(allowed + '/socket')",
    "bind": "socket.socket().bind(('127.0.0.1', 0))",
    "dns": "socket.getaddrinfo('localhost', 80)",
    "sqlite write": "c = sqlite3.connect(allowed + '/data.db'); c.execute('CREATE TABLE evil (x)'); c.commit()",
    "sqlite outside": "c = sqlite3.connect(f'file:{outside}/data.db?mode=ro', uri=True)\n"
    "c.execute('SELECT * FROM t').fetchone()",
    "sqlite extension": "c = sqlite3.connect(':memory:'); c.enable_load_extension(True)\n"
    "c.load_extension(allowed + '/evil.so')",
    "load machine code": "ctypes.CDLL(outside + '/evil.so')",
    "environment's setter": "libc.setpriority.restype = ctypes.c_int\nassert libc.setpriority(0, os.getppid(), 5) == 0",
    "raise a limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
}
# These raise nothing: they return -1. They go past Python's hooks, so only the system can stop them.
BY_MACHINE_CODE = {
    "open for writing": "libc.open((allowed + '/inside.txt').encode(), 2)",
    "read outside": "libc.open((outside + '/secret.txt').encode(), 0)",
    "socket": "libc.socket(2, 1, 0)",
    "fork": "libc.fork()",
    "kill": "libc.kill(os.getppid(), 0)",
    "unlink": "libc.unlink((allowed + '/inside.txt').encode())",
    "ptrace": "libc.ptrace(16, os.getppid(), 0, 0)",
    "mount": "libc.mount(b'none', allowed.encode(), b'tmpfs', 0, None)",
    "memfd": "libc.syscall(319, b'x', 0)",
    "io_uring": "libc.syscall(425, 8, None)",
}
ALLOWED = {
    "read inside": "assert open(allowed + '/inside.txt').read() == 'fine'",
    "list": "assert 'inside.txt' in os.listdir(allowed)",
    "import": "import decimal, tree_sitter_python",
    "thread": "t = threading.Thread(target=print); t.start(); t.join()",
    "memory": "bytearray(100 << 20)",
}
# A Python hook knows no processor time and no memory; the hook names no difference between reading and writing SQLite.
NOT_BY_PYTHON = {"fork_exec", "raise a limit", "sqlite write", "sqlite outside", "environment's setter"}
# There is no such library and no such server here; and this process is replaced.
FAIL_ANYHOW = {"load machine code", "sqlite extension", "unix socket", "exec", "raise a limit", "environment's setter"}

needs_kernel = pytest.mark.skipif(
    sys.platform != "linux" or landlock_version() == 0, reason="this kernel has no Landlock"
)


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A folder that may be read, and one that may not, with a link to it in the first."""
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.mkdir()
    (allowed / "inside.txt").write_text("fine")
    (outside / "secret.txt").write_text("secret")
    (outside / "evil.so").write_bytes(b"\x7fELF")
    (allowed / "link").symlink_to(outside)
    for folder in (allowed, outside):
        with sqlite3.connect(folder / "data.db") as connection:
            connection.execute("CREATE TABLE t (x)")
    return allowed, outside


def attempted(places: tuple[Path, Path], fence: str, attempt: str) -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (places[0] / "port.txt").write_text(str(server.getsockname()[1]))
        command = python_command(HARNESS, [*map(str, places), fence, attempt])
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    answer: str = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize("fence", ["both", "python", pytest.param("system", marks=needs_kernel)])
def test_what_is_forbidden(places: tuple[Path, Path], fence: str, name: str) -> None:
    if fence == "python" and name in NOT_BY_PYTHON:
        pytest.skip("only the system can hold this")
    before = sorted(path.relative_to(places[0]).as_posix() for path in places[0].rglob("*"))
    assert attempted(places, fence, FORBIDDEN[name]) != "done"
    (places[0] / "port.txt").unlink()
    assert before == sorted(path.relative_to(places[0]).as_posix() for path in places[0].rglob("*"))
    assert (places[0] / "inside.txt").read_text() == "fine"


@needs_kernel
@pytest.mark.parametrize("name", BY_MACHINE_CODE)
def test_what_machine_code_cannot_do_either(places: tuple[Path, Path], name: str) -> None:
    assert attempted(places, "system", f"assert {BY_MACHINE_CODE[name]} >= 0").startswith("AssertionError")


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed(places: tuple[Path, Path], name: str) -> None:
    assert attempted(places, "both", ALLOWED[name]) == "done"


@pytest.mark.parametrize("name", sorted(FORBIDDEN.keys() - FAIL_ANYHOW))
def test_each_attempt_works_without_a_fence(places: tuple[Path, Path], name: str) -> None:
    """Otherwise the tests above would show nothing."""
    assert attempted(places, "none", FORBIDDEN[name]) == "done"
