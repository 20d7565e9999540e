"""How much the name of a value says about it: `DB_PASS` names a secret, `token` may, `token_type` does not.

Names are bytes as they stand in the code, in any spelling: `dbPass`, `db-pass`, `DB_PASS`.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

import re2


class Strength(IntEnum):
    """What a value must look like to be taken for a secret: the stronger its name, the less."""

    NONE = 0
    WEAK = 1  # generated
    NAMED = 2  # letters and digits
    PASSWORD = 3  # anything that is no placeholder and no common word


# Where a name begins that may name a secret; what it is, is said by its words.
BEGINNING = (
    rb"pass|pwd|secret|token|key|cred|auth|bearer|salt|signature|cookie|session|dsn|webhook|mnemonic|seed|jwt|conn|sasl"
    rb"|license|hmac|contrase|senha|kennwort|mdp|identified by|_pw|\b(?:pw|pin|otp|sas|sig)\b"
)
_PASSWORDS = frozenset({
    b"password", b"passwd", b"pwd", b"passphrase", b"passwort", b"passcode", b"pass", b"pw", b"contrasena", b"senha",
    b"kennwort", b"mdp", b"userpass", b"dbpass", b"dbpassword", b"pgpassword", b"mysqlpwd", b"sshpass", b"rootpw",
    b"bindpw", b"adminpass", b"adminpwd", b"passwords", b"mnemonic", b"pword", b"keypass", b"storepass", b"smtppass",
    b"userpassword", b"rootpassword", b"adminpassword", b"requirepass", b"masterauth", b"by",
})  # fmt: skip
_NAMED = frozenset({
    b"secret", b"secrets", b"token", b"credential", b"credentials", b"creds", b"cred", b"apikey", b"authkey",
    b"accesskey", b"secretkey", b"privatekey", b"authtoken", b"accesstoken", b"apitoken", b"bearer", b"jwt",
    b"clientsecret", b"appsecret", b"apisecret", b"signingkey", b"masterkey", b"encryptionkey", b"otp", b"pin",
    b"authorization", b"xapikey", b"secretaccesskey", b"accountkey", b"sharedaccesskey", b"sessionkey", b"licensekey",
    b"csrftoken", b"refreshtoken", b"idtoken", b"bottoken", b"webhooksecret", b"connectionstring",
})  # fmt: skip
_KEY_OF = frozenset({
    b"api", b"access", b"secret", b"private", b"auth", b"encryption", b"encrypt", b"signing", b"sign", b"master",
    b"account", b"shared", b"ssh", b"aes", b"hmac", b"deploy", b"license", b"licence", b"crypto", b"storage",
    b"subscription", b"app", b"application", b"client", b"admin", b"service", b"integration", b"ingest", b"write",
    b"read", b"rsa", b"wg", b"session", b"cipher", b"jwt", b"decryption", b"host", b"consumer", b"functions",
    b"function", b"server", b"user", b"team", b"org", b"project", b"developer", b"dev", b"live", b"preshared",
})  # fmt: skip
_WEAK = frozenset({
    b"key", b"keys", b"auth", b"salt", b"signature", b"sig", b"cookie", b"session", b"sessionid", b"dsn", b"webhook",
    b"seed", b"hmac", b"sas", b"license", b"tokens", b"pepper", b"nonce", b"pat",
})  # fmt: skip
# Behind the name of a secret: what is said of it is not the secret.
_ABOUT = frozenset({
    b"type", b"types", b"name", b"names", b"field", b"fields", b"url", b"uri", b"endpoint", b"path", b"file",
    b"filename", b"id", b"ids", b"len", b"length", b"size", b"count", b"label", b"hint", b"regex", b"re", b"pattern",
    b"format", b"policy", b"prompt", b"error", b"errors", b"message", b"msg", b"page", b"expiry", b"expires",
    b"expiration", b"ttl", b"header", b"headers", b"param", b"params", b"prefix", b"suffix", b"kind", b"list",
    b"class", b"provider", b"helper", b"manager", b"store", b"strategy", b"location", b"dir", b"folder", b"env",
    b"var", b"variable", b"algorithm", b"algo", b"alg", b"version", b"index", b"position", b"title", b"text",
    b"placeholder", b"description", b"help", b"rule", b"rules", b"validator", b"validators", b"reset", b"view",
    b"form", b"input", b"widget", b"screen", b"component", b"template", b"usage", b"ref", b"reference", b"source",
    b"scope", b"scopes", b"status", b"state", b"event", b"action", b"column", b"table", b"mode", b"method",
    b"callback", b"handler", b"service", b"role", b"arn", b"region", b"domain", b"host", b"issuer", b"audience",
    b"hasher", b"hashers", b"strength", b"score", b"min", b"max", b"at", b"time", b"date", b"timeout", b"limit",
    b"usages", b"code", b"codes", b"schema", b"model", b"spec", b"config", b"settings", b"options", b"option", b"test",
    b"tests", b"generator", b"parser", b"lexer", b"stream", b"map", b"dict", b"set", b"enum", b"group", b"family",
    b"flow", b"grant", b"command", b"cmd", b"script", b"string", b"ops", b"press", b"down", b"up", b"board", b"frame",
    b"frames", b"word", b"words", b"point", b"points", b"stroke", b"bind", b"bindings", b"info",
})  # fmt: skip
# Behind a name, which says no more by them.
_ENVIRONMENTS = frozenset({
    b"prod", b"production", b"dev", b"staging", b"stage", b"local", b"live", b"old", b"new", b"default", b"value",
    b"plain", b"plaintext", b"raw", b"primary", b"secondary", b"hash",
})  # fmt: skip
_SPLIT = re2.compile(rb"[^0-9A-Za-z]+")
_CAMEL = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4096)
def strength_of(name: bytes) -> Strength:
    """Judge a name by its last words; numbers behind it (`password2`) and environments (`token_prod`) do not count."""
    words = [word.lower() for part in _SPLIT.split(name) for word in _CAMEL.findall(part)]
    while words and (words[-1].isdigit() or words[-1] in _ENVIRONMENTS):
        words.pop()
    if not words:
        return Strength.NONE
    last, before = words[-1], words[-2] if len(words) > 1 else b""
    if last in _ABOUT and not (last == b"string" and before.startswith(b"conn")):
        is_secret_word = any(word in _PASSWORDS or word in _NAMED or word in _WEAK for word in words[:-1])
        return Strength.WEAK if is_secret_word else Strength.NONE
    if last in _PASSWORDS or (before == b"pass" and last in (b"phrase", b"word", b"code", b"wd")):
        return Strength.PASSWORD if last != b"by" or before == b"identified" else Strength.NONE
    if last in (b"key", b"keys") and (before in _KEY_OF or (before == b"id" and b"access" in words)):
        return Strength.NAMED
    if last in _NAMED or (last == b"string" and before.startswith(b"conn")):
        return Strength.NAMED
    joined = b"".join(words)
    if joined in _NAMED:
        return Strength.NAMED
    if joined.endswith((b"password", b"passwd", b"passphrase")):
        return Strength.PASSWORD
    if joined.endswith((b"secret", b"apikey", b"token", b"secretkey", b"accesskey", b"privatekey")):
        return Strength.NAMED
    return Strength.WEAK if last in _WEAK or b"secret" in words or b"password" in words else Strength.NONE
