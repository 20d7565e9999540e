"""Files that are secrets by their name: keys, logins, and states, histories and dumps in which such stand.

A name is judged in lower case, and as what it is a copy of (`terraform.tfstate.backup`, `id_rsa~`). The names are facts
collected in the rule sets of gitleaks, TruffleHog and GitHub's own templates of ignore files.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import re2

_FOLDERS = frozenset({
    ".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", ".gcloud", ".oci", ".aliyun", ".bluemix", ".chef",
    ".minikube", ".password-store", ".secrets", ".terraform.d", ".vault", ".step", "keyrings", ".mozilla",
    ".thunderbird",
})  # fmt: skip
_FOLDERS_OF_CONFIG = frozenset({"gcloud", "gh", "hub", "op", "sops", "age", "rclone", "doctl", "heroku", "containers"})

# Of files of data: `service_account.json`, `kubeconfig.yaml`. A space is `-`, `_`, `.` or nothing.
_STEMS = (
    "secret", "secrets", "credential", "credentials", "creds", "password", "passwords", "passwd", "passphrase",
    "token", "api key", "api keys", "private key", "kube config", "service account*", "client secret*", "gcp key*",
    "firebase adminsdk*", "vault token", "vault pass*", "ansible vault*", "master key", "key file", "auth token",
    "access token*", "access key*", "refresh token", "oauth token*", "application default credentials", "gha creds*",
    "docker config", "sa key*", "* service account", "* credentials", "* creds", "* secrets", "* secret",
    "* kubeconfig", "* private key", "* password", "* passwords", "* api key", "* adminsdk *", "* access key",
    "* keypair", "* key pair", "root key",
)  # fmt: skip
_DATA = (
    "json|ya?ml|toml|ini|cfg|conf|config|properties|xml|txt|csv|tsv|env|plist|enc|dec|sops|ya?ml.enc|json.enc|sops.ya?ml"
    "|enc.ya?ml|dec.ya?ml|hcl|dat|db|local|key|tfrc.json|md|rtf|docx?|xlsx?|ods|sh"
)

_NAMES = (
    # environments
    ".env", ".env.*", ".env-*", ".env_*", "*.env", "*.env.*", ".envrc", ".envrc.*", ".flaskenv", ".dev.vars",
    ".dev.vars.*", "env.local", "env.prod*", ".secret", ".secret.*", ".secrets", ".secrets.*", "secrets.*.y*ml",
    # keys and their stores
    "*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.pk8", "*.pkcs12", "*.pkcs8", "*.der", "*.jks", "*.jceks", "*.bks",
    "*.keystore", "*.truststore", "*.kdb", "*.kdbx", "*.ppk", "*.asc", "*.gpg", "*.pgp", "*.age", "*.agekey",
    "*.keychain", "*.keychain-db", "*.keytab", "*.snk", "*.mobileprovision", "*.ovpn", "*.wallet", "wallet.dat",
    "*.psafe3", "*.agilekeychain", "*.opvault", "*.1pif", "*.rdp", "*.cscfg", "*.publishsettings", "*.pubxml.user",
    "*.tblk", "*.jwk", "*.jwks", "secring.*", "trustdb.gpg", "*.secret", "*.secrets", "*.secret.*", "*.credentials",
    "*.creds", "*.password", "*.passwd", "*.token", "*.decrypted", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    "id_xmss*", "identity", "*_rsa", "*_dsa", "*_ed25519", "*_ecdsa", "ssh_host_*_key", "authorized_keys",
    "known_hosts", "*_key", "key.json", "keys.json", "keys.txt", "*-key.json", "*_key.json",
    # what tools keep a login in
    ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", "pip.conf", ".netrc", "_netrc", ".netrc.*", ".authinfo",
    ".authinfo.*", ".pgpass", "pgpass.conf", ".pg_service.conf", ".my.cnf", "my.cnf", ".mylogin.cnf", ".htpasswd*",
    "htpasswd", ".htdigest", ".git-credentials", ".gitcredentials", ".dockercfg", ".dockerconfigjson",
    ".dockerconfig.json", ".s3cfg", ".s3cfg.*", ".boto", ".passwd-s3fs", "passwd-s3fs", ".msmtprc", "msmtprc",
    ".fetchmailrc", ".muttrc", ".offlineimaprc", ".mbsyncrc", ".getmailrc", "rclone.conf", ".rclone.conf",
    ".terraformrc", "terraform.rc", ".vault-token*", ".vault_pass*", ".vault-pass*", ".esmtprc", ".smbcredentials",
    ".gem-credentials", ".ftpconfig", ".remote-sync.json", ".sftp.json", "sftp.json", "sftp-config.json", ".ftppass",
    "ftp.json", "filezilla.xml", "sitemanager.xml", "recentservers.xml", "ws_ftp.ini", "winscp.ini",
    ".lein-credentials*", "settings-security.xml", "nuget.config", "auth.json", ".composer-auth.json",
    "jfrog-cli.conf", ".trc", ".twurlrc", ".tugboat", ".databrickscfg", ".snowsql.config", "snowsql.cnf",
    "kaggle.json", ".kaggle.json", ".curlrc", "_curlrc", ".wgetrc", ".xauthority", ".rhosts", "robomongo.json",
    "webservers.xml", "datasources.local.xml", "hub.yml", "wp-config.php", "local.settings.json",
    "appsettings.local.json", "appsettings.prod*.json", "usersecrets.json", "connectionstrings.config",
    "google-services.json", "googleservice-info.plist", "database.yml", "parameters.yml", "secret_token.rb",
    "wpa_supplicant*.conf", "wg[0-9]*.conf", "*.nmconnection", "shadow", "shadow-", "gshadow", "passwd-", "krb5cc_*",
    "ipsec.secrets", "chap-secrets", "pap-secrets", "sasl_passwd*", "proftpdpasswd", "rabbitmq.config",
    ".erlang.cookie", ".vnc_passwd", "vncpasswd", "unattend.xml", "autounattend.xml", "sysprep.xml",
    "group-policy-preferences.xml",
    # what infrastructure keeps
    "*.tfvars", "*.tfvars.*", "*.tfstate", "*.tfstate.*", "*.tfplan", "kubeconfig*", "*.kubeconfig", "kubelet.conf",
    "pulumi.*.y*ml", "vault.y*ml", "values-secret*.y*ml", "*.dockerconfigjson", "kustomize-secret*.y*ml",
    "secret-*.y*ml", "*-secret*.y*ml", "*.vault.y*ml", "*.sops.*",
    # histories and dumps
    ".*_history", ".*-history", ".history", ".zhistory", "fish_history", "*_history.txt", ".lesshst", ".viminfo",
    "_viminfo", "*.pcap", "*.pcapng", "*.har", "*.ldif", "ntds.dit", "dump.sql", "*.sqldump", "*dump*.sql",
    "*backup*.sql", "*.sql.gz", "*.hprof", "core.[0-9]*", "cookies.txt", "cookies.sqlite", "cookies.json",
    "logins.json", "key3.db", "key4.db", "signons.sqlite",
)  # fmt: skip
_COPIES = ("~", ".bak", ".backup", ".old", ".orig", ".save", ".swp", ".tmp", ".copy", ".disabled", ".prev", ".1", ".2")
# Source code that is merely named after credentials (credentials.py) is code; secrets in it are redacted.
_SOURCE = (
    ".py", ".pyi", ".pyx", ".java", ".kt", ".kts", ".scala", ".groovy", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs",
    ".mts", ".cts", ".map", ".vue", ".svelte", ".cs", ".fs", ".vb", ".go", ".rs", ".c", ".h", ".cc", ".cpp", ".cxx",
    ".hpp", ".hh", ".m", ".mm", ".swift", ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".dart", ".ex", ".exs",
    ".erl", ".hs", ".ml", ".clj", ".cljs", ".el", ".scm", ".zig", ".nim", ".d", ".f90", ".html", ".css", ".scss",
    ".less", ".proto", ".graphql", ".in", ".rst",
)  # fmt: skip
_NEVER_CODE = frozenset({"wp-config.php", "secret_token.rb"})


def secret_file_reason(path: str) -> str | None:
    """Return why the file at `path` (forward slashes) is taken for a secret by its name, or None."""
    *folders, name = path.lower().split("/")
    if not _FOLDERS.isdisjoint(folders):
        return "secret: in a folder of credentials"
    if any(above == ".config" and folder in _FOLDERS_OF_CONFIG for above, folder in pairwise(folders)):
        return "secret: in a folder of credentials"
    for suffix in _COPIES:
        name = name.removesuffix(suffix)
    if name.endswith(_SOURCE) and not name.startswith((".env", "id_")) and name not in _NEVER_CODE:
        return None
    if _pattern().fullmatch(name.encode("utf-8", "surrogatepass")):
        return "secret: file of keys or credentials"
    return None


@cache
def _pattern() -> Any:
    names = [re2.escape(name).replace(r"\*", ".*").replace(r"\[0\-9\]", "[0-9]") for name in _NAMES]
    stems = [re2.escape(stem).replace(r"\*", ".*").replace(r"\ ", "[-_. ]?") for stem in _STEMS]
    data = _DATA.replace(".", r"\.")
    return re2.compile(f"(?s)(?:{'|'.join(names)}|\\.?(?:{'|'.join(stems)})(?:\\.(?:{data}))?)".encode())
