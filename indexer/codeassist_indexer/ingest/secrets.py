"""What must never enter any context: files by their name, and keys and tokens inside other files.

Knows no files and no index: names and texts in, verdicts and redacted texts out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

_SECRET_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "*.asc", "*.gpg", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".npmrc", ".pypirc", ".netrc", "_netrc",
    ".pgpass", ".htpasswd", ".git-credentials", ".dockercfg", "credentials", "credentials.*", "secrets.json",
    "secrets.y*ml", "secrets.toml", "client_secret*.json", "service-account*.json", "*.tfvars", "*.tfstate",
    "kubeconfig", ".vault-token",
)  # fmt: skip
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure"})
# Source code that is merely named after credentials (credentials.py) is code; what stands in it is redacted below.
_SOURCE_SUFFIXES = (".py", ".pyi", ".java", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".cs", ".go", ".rs", ".c",
                    ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh")  # fmt: skip

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(.*?)(?:-----END [A-Z ]*KEY(?: BLOCK)?-----|\Z)", re.DOTALL
)

# Each pattern is tried only where one of its beginnings stands: `str.find` for them all takes a tenth of the time that
# searching with the pattern takes, and this runs over every file.
_TOKEN_BEGINNINGS = (
    "AKIA", "ASIA", "AROA", "AIDA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk-",
    "hf_", "pypi-", "npm_", "dop_v1_", "SG.", "sk_live_", "rk_live_", "AIza", "ya29.", "eyJ",
)  # fmt: skip
_TOKEN = re.compile(
    r"""(?x)
    \b( (?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}
        | gh[pousr]_[A-Za-z0-9]{36,} | github_pat_[A-Za-z0-9_]{22,} | glpat-[A-Za-z0-9_-]{20,}
        | xox[abeoprs]-[A-Za-z0-9-]{10,}
        | sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,} | hf_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_-]{50,}
        | npm_[A-Za-z0-9]{36} | dop_v1_[a-f0-9]{64} | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
        | [rs]k_live_[A-Za-z0-9]{16,} | AIza[A-Za-z0-9_-]{35} | ya29\.[A-Za-z0-9_-]{20,}
        | eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    )"""
)
_URL_PASSWORD = re.compile(r"://[^\s:/@'\"{}<>$%]+:([^\s:/@'\"{}<>$%]{6,})@")
_ASSIGNED_NAMES = (
    "secret", "token", "password", "passwd", "pwd", "credential", "api_key", "apikey", "access_key", "accesskey",
    "private_key", "privatekey", "auth_key", "authkey",
)  # fmt: skip
_ASSIGNED = re.compile(
    r"""(?x) [\w-]+ ["']? \s* (?: :\s*\w+\s*= | := | => | = | : ) \s* [rbufRBUF]? ["'] ([^"'\s\\]{8,}) ["'] """
)
_PLACEHOLDER = re.compile(
    r"(?i)example|your|change|dummy|fake|placeholder|xxx|todo|test|sample|none|null|[<>{}$%]|\*\*"
)
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without its secrets, and the lines (from 1) on which one stood. The length in UTF-8 bytes is unchanged."""

    text: str
    lines: tuple[int, ...]


def secret_file_reason(path: str) -> str | None:
    """Return why the file at `path` (forward slashes) is taken for a secret by its name, or None."""
    *folders, name = path.lower().split("/")
    if not _SECRET_FOLDERS.isdisjoint(folders):
        return "secret: in a folder of credentials"
    if name.endswith(_SOURCE_SUFFIXES) and not name.startswith((".env", "id_")):
        return None
    if any(fnmatchcase(name, pattern) for pattern in _SECRET_NAMES):
        return "secret: file of keys or credentials"
    return None


def redact(text: str) -> Redaction:
    """Replace private keys, tokens and assigned passwords by asterisks, byte for byte, so that all offsets stay.

    Only the secret goes, not its line: the code around it still parses and can still be found.
    """
    spans = _secret_spans(text)
    if not spans:
        return Redaction(text, ())
    pieces: list[str] = []
    lines: set[int] = set()
    done = 0
    for start, end in sorted(spans):
        start = max(start, done)
        if start >= end:
            continue
        secret = text[start:end]
        first_line = text.count("\n", 0, start) + 1
        lines.update(first_line + offset for offset, line in enumerate(secret.splitlines()) if line.strip())
        pieces += [text[done:start], re.sub(r"[^\n\r]", _asterisks, secret)]
        done = end
    return Redaction("".join([*pieces, text[done:]]), tuple(sorted(lines)))


def _asterisks(match: re.Match[str]) -> str:
    return "*" * len(match.group().encode())


def _secret_spans(text: str) -> list[tuple[int, int]]:
    spans = [match.span(1) for match in _matches(_TOKEN, text, text, _TOKEN_BEGINNINGS)]
    if "PRIVATE KEY" in text:
        spans += [match.span(1) for match in _PRIVATE_KEY.finditer(text)]
    passwords = _matches(_URL_PASSWORD, text, text, ("://",))
    spans += [match.span(1) for match in passwords if not _PLACEHOLDER.search(match.group(1))]
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters become two
        lowered = text.translate(_ASCII_LOWER)
    assigned = _matches(_ASSIGNED, text, lowered, _ASSIGNED_NAMES)
    return spans + [match.span(1) for match in assigned if _looks_random(match.group(1))]


def _matches(
    pattern: re.Pattern[str], text: str, searched: str, beginnings: tuple[str, ...]
) -> Iterator[re.Match[str]]:
    """Yield where `pattern` matches in `text` at one of the `beginnings` found in `searched` (`text`, lowered)."""
    for beginning in beginnings:
        at = searched.find(beginning)
        while at >= 0:
            match = pattern.match(text, at)
            if match is not None:
                yield match
            at = searched.find(beginning, at + 1)


def _looks_random(value: str) -> bool:
    """Say whether an assigned string looks like a real secret: it mixes letters and digits and is no placeholder."""
    has_digit = any(character.isdigit() for character in value)
    has_letter = any(character.isalpha() for character in value)
    return has_digit and has_letter and _PLACEHOLDER.search(value) is None
