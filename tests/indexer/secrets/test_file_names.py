"""Files of keys by their names, as they are called on real machines, and files that only sound like them."""

import pytest

from codeassist_indexer.secrets.file_names import secret_file_reason

SECRET_NAMES = """
.env .env.local .env-prod .env_staging .env.production.local prod.env app.env.backup .envrc .flaskenv .dev.vars
.secrets kubeconfig kubeconfig.yaml kube_config.yml prod.kubeconfig kubeconfig-prod admin-kubeconfig.yaml
service_account.json service-account.json serviceaccount-prod.json service_account_key.json
my-project-credentials.json client_secret_123.apps.json application_default_credentials.json gha-creds-1a2b.json
acme-firebase-adminsdk-x1.json sa-key.json credentials credentials.csv credentials.yml.enc aws_credentials
db-credentials.txt creds.json secrets.json secrets.yml secrets.prod.yaml app-secrets.yaml secret.txt password.txt
passwords.csv passwd token.txt api_key.txt apikeys.json root_key.csv terraform.tfstate terraform.tfstate.backup
prod.tfvars prod.auto.tfvars.json plan.tfplan pulumi.prod.yaml vault.yml id_rsa id_rsa.bak id_dsa id_ecdsa_sk
id_ed25519 id_ed25519.pub id_rsa~ deploy_rsa ssh_host_rsa_key server.key server.key.old site.pem a.p12 a.pfx a.p8
a.jks a.keystore a.kdbx a.ppk a.asc a.gpg a.age a.keytab a.ovpn a.jwk a.mobileprovision wallet.dat .netrc _netrc
.npmrc .yarnrc.yml .pypirc pip.conf .pgpass pgpass.conf .my.cnf .mylogin.cnf .htpasswd .git-credentials .dockercfg
.dockerconfigjson .s3cfg .boto .passwd-s3fs .msmtprc .vault-token .vault_pass.txt .terraformrc rclone.conf
.databrickscfg kaggle.json filezilla.xml sftp-config.json .ftpconfig wp-config.php nuget.config auth.json wg0.conf
wpa_supplicant.conf shadow .bash_history .zsh_history .python_history .psql_history .mysql_history .node_repl_history
.lesshst .viminfo fish_history dump.sql prod-backup-2026.sql heap.hprof traffic.pcap session.har cookies.sqlite
logins.json key4.db .ssh/config .aws/config .kube/cache .docker/config.json .gnupg/x .azure/x .config/gcloud/x
.config/gh/hosts.yml home/.SSH/Known
"""
SECRET = SECRET_NAMES.split()
HARMLESS_NAMES = """
env.py environment.ts credentials.py src/secrets.py secret_store.go password_reset.html token.rs tokens.json keys.go
pem.rs README.md package.json tsconfig.json Makefile Dockerfile config.yaml settings.toml app.conf docker-compose.yml
main.tf variables.tf keyboard.json monkey.yaml passenger.csv history.md changelog.txt schema.sql migrations/001.sql
identity.ts auth.go authors.txt public.html index.html a.crt.md key-bindings.json tokenizer.json tokenizer_config.json
vocab.txt data.csv notes.md .gitignore .editorconfig .eslintrc .prettierrc .dockerignore setup.cfg pyproject.toml
Cargo.toml go.mod pom.xml build.gradle .github/workflows/ci.yml
"""
HARMLESS = HARMLESS_NAMES.split()


@pytest.mark.parametrize("path", SECRET)
def test_files_of_keys(path: str) -> None:
    for spelt in (path, path.upper(), f"deep/in/{path}"):
        assert (secret_file_reason(spelt) or "").startswith("secret: ")


@pytest.mark.parametrize("path", HARMLESS)
def test_files_that_only_sound_so(path: str) -> None:
    assert secret_file_reason(path) is None


def test_there_are_enough_of_both() -> None:
    assert len(SECRET) >= 120 and len(HARMLESS) >= 50


def test_names_that_are_no_text() -> None:
    assert secret_file_reason("\udcff/\ud800.env") is not None and secret_file_reason("\udcff.txt") is None
