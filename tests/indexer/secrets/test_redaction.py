"""What never enters any context. The values are made up, and put together so that scanners do not find them here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeassist_indexer.secrets.file_names import secret_file_reason
from codeassist_indexer.secrets.redaction import redact


@pytest.mark.parametrize(
    "path",
    [".env", "app/.env.local", "prod.env", "certs/site.pem", "home/.ssh/config.py", "id_rsa", "id_ed25519.pub",
     "tls.key", ".npmrc", ".pypirc", "x/credentials", "x/credentials.json", "secrets.yaml", ".AWS/anything",
     "a.tfvars"],
)  # fmt: skip
def test_files_of_secrets(path: str) -> None:
    assert (secret_file_reason(path) or "").startswith("secret")


@pytest.mark.parametrize("path", ["env.py", "credentials.py", "src/secrets.py", "keys.go", "environment.ts", "pem.rs"])
def test_source_that_only_sounds_secret(path: str) -> None:
    assert secret_file_reason(path) is None


BODY = "MIIEpAIBAAKCAQEA7bq"
PRIVATE_KEY = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{BODY}\n{BODY}\n-----END RSA {'PRIVATE'} KEY-----"
SECRETS = {
    "aws": "AKIA" + "ABCDEFGHIJKLMNO1",
    "github": "ghp_" + "a1" * 20,
    "gitlab": "glpat-" + "Ab1" * 8,
    "slack": "xoxb-" + "1234567890-abcdef",
    "openai": "sk-" + "proj-" + "aB3" * 12,
    "hub": "hf_" + "aB" * 17,
    "google": "AIza" + "b1" * 17 + "c",
    "jwt": "eyJ" + "hbGciOiJI" + "UzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0" + "." + "dozjgNryP4J3jVmN",
}


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_tokens_go_and_the_code_around_them_stays(kind: str) -> None:
    secret = SECRETS[kind]
    text = f"import client\n\nconnection = client.open(\n    '{secret}', retries=3\n)\n"
    redaction = redact(text)
    assert secret not in redaction.text
    assert redaction.lines == (4,)
    assert "retries=3" in redaction.text and redaction.text.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "line",
    ["password = 'hunter2hunter'", 'API_KEY: str = "9f8a7b6c5d"', '"client_secret": "a8Fq0Lz77x",',
     'const accessKey = "k3yk3yk3y"', "url = 'postgres://admin:s3cr3tpw@db/x'"],
)  # fmt: skip
def test_assigned_passwords_go(line: str) -> None:
    redaction = redact(f"a = 1\n{line}\n")
    assert redaction.lines == (2,)
    assert "*" in redaction.text


@pytest.mark.parametrize(
    "line",
    ["password = 'your-password-1'", "token = os.environ['TOKEN_1']", "api_key = '${API_KEY_1}'",
     "risk-assessment-of-the-whole-task",
     "token = tokenizer.next('identifier')", "secret = 'correct horse'", "url = 'https://host:8080/path@x'",
     "token_type = 'bearer_token'", "sk-learn-compatible-estimator-interface"],
)  # fmt: skip
def test_what_only_looks_like_a_secret_stays(line: str) -> None:
    assert redact(line).lines == ()


def test_private_keys_go_even_without_an_end() -> None:
    for text in (f"k = '''{PRIVATE_KEY}'''\nx = 1\n", PRIVATE_KEY[: -len("-----END RSA PRIVATE KEY-----")]):
        redaction = redact(text)
        assert BODY not in redaction.text
        assert redaction.lines == (2, 3)


@given(st.text(), st.sampled_from(sorted(SECRETS.values())), st.text())
def test_offsets_stay(before: str, secret: str, after: str) -> None:
    text = f"{before} '{secret}' {after}"
    redacted = redact(text).text
    assert secret not in redacted
    assert len(redacted.encode("utf-8", "surrogatepass")) == len(text.encode("utf-8", "surrogatepass"))
    assert redacted.count("\n") == text.count("\n")


def test_letters_that_grow_when_lowered_do_not_shift_what_goes() -> None:
    assert redact("# İİİİ\npassword = 'hunter2hunter'\n").lines == (2,)
