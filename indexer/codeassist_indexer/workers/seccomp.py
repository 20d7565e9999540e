"""seccomp: from now on this process may only make the system calls that reading and computing need (Linux).

A filter of allowed calls by number; any other one fails with EPERM, so that a library can take another way. Starting
programs, sockets, signals to others and changes of files are not among them. See the kernel's "Seccomp BPF".
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_CLONE_THREAD = 0x00010000
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _FLAG_ALL_THREADS = 1, 1
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_OFFSET_NUMBER, _OFFSET_ARCH, _OFFSET_FIRST_ARGUMENT = 0, 4, 16

# name: (number on x86_64, number on aarch64), of asm/unistd_64.h and asm-generic/unistd.h.
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # reading and writing what is open; what may be opened is Landlock's to say
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "preadv": (295, 69),
    "open": (2, None), "openat": (257, 56), "close": (3, 57), "lseek": (8, 62), "dup": (32, 23), "dup2": (33, None),
    "dup3": (292, 24), "pipe2": (293, 59), "fcntl": (72, 25), "ioctl": (16, 29), "fadvise64": (221, 223),
    # asking about files
    "stat": (4, None), "lstat": (6, None), "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getcwd": (79, 17), "getdents64": (217, 61), "statfs": (137, 43), "fstatfs": (138, 44),
    # waiting
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22), "eventfd2": (290, 19),
    "futex": (202, 98), "futex_waitv": (449, 449), "sched_yield": (24, 124), "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115), "restart_syscall": (219, 128),
    # memory
    "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216), "madvise": (28, 233),
    "brk": (12, 214), "membarrier": (324, 283), "mincore": (27, 232),
    # its own signals, timers, threads and end
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "setitimer": (38, 103), "getitimer": (36, 102), "set_robust_list": (273, 99), "get_robust_list": (274, 100),
    "set_tid_address": (218, 96), "rseq": (334, 293), "arch_prctl": (158, None), "exit": (60, 93),
    "exit_group": (231, 94),
    # the time, and what the process is
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrusage": (98, 165), "getrandom": (318, 278), "uname": (63, 160), "sysinfo": (99, 179),
    "getcpu": (309, 168), "sched_getaffinity": (204, 123), "getpid": (39, 172), "gettid": (186, 178),
    "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getrlimit": (97, 163),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict_calls() -> bool:
    """Install the filter on all threads of this process, for good; return whether it holds.

    False on systems and architectures that have no such filter or that this module has no numbers for.
    Raises OSError where the kernel refuses it.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _AUDIT_ARCH or struct.calcsize("P") != 8:
        return False
    code = _filter(machine)
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp: no_new_privs was refused")
    installed = libc.syscall(_SECCOMP[machine], _SET_MODE_FILTER, _FLAG_ALL_THREADS, ctypes.byref(program))
    if installed != 0:
        code_ = ctypes.get_errno()
        if code_ in (errno.ENOSYS, errno.EINVAL):  # a kernel without filters
            return False
        raise OSError(code_, f"seccomp: {os.strerror(code_)}")
    return True


def _filter(machine: str) -> bytes:
    """Return the filter's instructions (struct sock_filter: code, jump if true, jump if false, value)."""
    column = 0 if machine == "x86_64" else 1
    numbers = sorted(number for pair in _ALLOWED.values() if (number := pair[column]) is not None)
    forbidden = _FAIL | errno.EPERM
    steps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _OFFSET_ARCH),
        (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, forbidden),
        (_LOAD, 0, 0, _OFFSET_NUMBER),
        # glibc then takes clone, whose flags a filter can read
        (_JUMP_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_JUMP_EQUAL, 0, 4, _CLONE[machine]),
        (_LOAD, 0, 0, _OFFSET_FIRST_ARGUMENT),
        (_JUMP_ANY_BIT, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, forbidden),
    ]
    for position, number in enumerate(numbers):
        steps.append((_JUMP_EQUAL, len(numbers) - position, 0, number))  # to the last instruction
    steps += [(_RETURN, 0, 0, forbidden), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
