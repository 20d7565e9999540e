"""Crates in the registry's sources, vendored, and of the repository, as a path of Rust finds them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codeassist_indexer.libraries.cargo_crates import CargoInstallation
from tests.indexer.libraries.neighbours import Opened, write

SERDE = {
    "Cargo.toml": '[package]\nname = "serde"\nversion = "1.0.210"\n',
    "build.rs": "fn main() {}\n",
    "src/lib.rs": "pub mod de;\npub use crate::de::Deserialize;\npub use de::Reader as TextReader;\n"
    "pub use serde_derive::Marker;\n"
    "macro_rules! hidden_or_not { () => {} }\n",
    "src/de/mod.rs": """/// A type that can be read. It has more to it.
pub trait Deserialize<'de>: Sized {
    fn deserialize<D>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads values.
pub struct Reader { pub depth: usize, secret: u8 }

impl Reader {
    /// Makes one of a text.
    pub fn of_text(text: &str) -> Self { todo!() }
    fn inner(&self) {}
    pub(crate) fn of_crate(&self) {}
}

fn private() {}
""",
    "tests/it.rs": "pub fn of_test() {}\n",
}
DERIVE = {
    "Cargo.toml": '[package]\nname = "serde_derive"\nversion = "1.0.210"\n',
    "src/lib.rs": "pub struct Marker;\n",
}
MD5 = {
    "Cargo.toml": '[package]\nname = "md-5"\nversion = "0.10.6"\n[lib]\nname = "md5"\npath = "code/all.rs"\n',
    "code/all.rs": "pub fn digest_of(data: &[u8]) -> u8 { 0 }\n",
}
MANIFEST = """[package]
name = "the-app"
version = "0.1.0"

[dependencies]
serde = { version = "1", features = ["derive"] }
md-5 = "0.10"
again = { package = "rand", version = "0.8" }
near = { path = "../near/crates/near" }

[workspace]
members = ["crates/*"]
"""
LOCK = """version = 3

[[package]]
name = "rand"
version = "0.9.1"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "rand"
version = "0.8.5"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "the-app"
version = "0.1.0"
dependencies = [
 "md-5",
 "rand 0.8.5",
 "serde",
]

[[package]]
name = "serde"
version = "1.0.210"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "serde_derive"
version = "1.0.210"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "md-5"
version = "0.10.6"
source = "registry+https://github.com/rust-lang/crates.io-index"
"""
MAIN = """use serde::{Deserialize, Marker};
use serde::de::Reader;
use serde::de;
use md5::digest_of;
use near::deep::Down;
use other_name::Tool;
use the_app::Helper;

fn main() {
    """


def crate(name: str, version: str, function: str) -> dict[str, str]:
    manifest = f'[package]\nname = "{name}"\nversion = "{version}"\n'
    return {"Cargo.toml": manifest, "src/lib.rs": f"pub fn {function}() {{}}\n"}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo"))
    folder = tmp_path / "cargo" / "registry" / "src" / "index.crates.io-6f17d22bba15001f"
    write(folder / "serde-1.0.210", SERDE)
    write(folder / "serde-0.9.0", crate("serde", "0.9.0", "of_old"))
    write(folder / "serde_derive-1.0.210", DERIVE)
    write(folder / "md-5-0.10.6", MD5)
    write(folder / "rand-0.8.5", crate("rand", "0.8.5", "of_eight"))
    write(folder / "rand-0.9.1", crate("rand", "0.9.1", "of_nine"))
    return folder


@pytest.fixture
def app(registry: Path, tmp_path: Path) -> Opened:
    tool = {
        "crates/strange_folder/Cargo.toml": '[package]\nname = "other-name"\n',
        "crates/strange_folder/src/lib.rs": "pub struct Tool;\n",
    }
    files = {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, "src/main.rs": MAIN, "src/lib.rs": "pub struct Helper;\n"}
    opened = Opened(tmp_path / "app", {**files, **tool})
    near = {"crates/near/Cargo.toml": '[package]\nname = "near"\n', "crates/near/src/deep.rs": "pub struct Down;\n",
            "crates/near/src/lib.rs": "pub mod deep;\n"}  # fmt: skip
    Opened(tmp_path / "near", near)
    opened.update()
    return opened


def test_what_a_file_uses_is_found_in_the_version_of_the_lock(app: Opened) -> None:
    assert not app.update()
    assert sorted(app.labels()) == ["md-5 0.10.6", "near", "rand 0.8.5", "serde 1.0.210", "serde_derive 1.0.210"]
    shown = app.shown("src/main.rs", f"{MAIN}Deserialize; Reader; digest_of; Down; Tool; Helper; Marker; ")
    trait = shown["Deserialize"]
    assert trait[:2] == ("serde 1.0.210", "src/de/mod.rs"), "`pub use crate::de::Deserialize` is followed"
    assert trait[2].startswith(
        "// A type that can be read. It has more to it.\npub trait Deserialize<'de>: Sized {\n    fn deserialize<D>("
    )
    assert "pub fn of_text(text: &str) -> Self" in shown["Reader"][2] and "pub depth: usize" in shown["Reader"][2]
    assert not {"secret", "inner", "of_crate"} & set(shown["Reader"][2].replace("(", " ").replace(":", " ").split())
    assert shown["digest_of"][:2] == ("md-5 0.10.6", "code/all.rs"), "the library bears another name than its package"
    assert shown["Marker"][0] == "serde_derive 1.0.210", "what serde hands on"
    assert app.shown("src/main.rs", "use serde::TextReader;\nTextReader")["Reader"][1] == "src/de/mod.rs", "as in 2015"
    assert shown["Down"][:2] == ("near", "crates/near/src/deep.rs")
    assert shown["Tool"][:2] == ("", "crates/strange_folder/src/lib.rs"), "the repository's own, by its crate's name"
    assert shown["Helper"][:2] == ("", "src/lib.rs")


def test_a_path_needs_no_use(app: Opened) -> None:
    shown = app.shown("src/main.rs", f"{MAIN}again::of_eight(")
    assert shown["of_eight"][0] == "rand 0.8.5" and "of_nine" not in shown, "renamed, in the version that is asked for"
    shown = app.shown("src/main.rs", f"{MAIN}let a = de::Reader::of_text(")
    assert "Reader" in shown, "a module that is used by its name"


def test_the_type_of_what_stands_before_a_dot_is_known(app: Opened) -> None:
    shown = app.shown("src/main.rs", f"{MAIN}let mut r = Reader::of_text(x);\n    r.")
    assert "Reader has depth, of_text" in shown["Reader"][2]
    assert "Reader has depth, of_text" in app.shown("src/main.rs", f"{MAIN}Reader::")["Reader"][2]
    assert "Reader.of_text" in app.shown("src/main.rs", f"{MAIN}let r = Reader::of_text(")


def test_without_a_lock_the_newest_fitting_version_counts(app: Opened, registry: Path) -> None:
    (app.root / "Cargo.lock").unlink()
    write(registry / "rand-0.8.30", crate("rand", "0.8.30", "of_thirty"))
    assert app.update() and "rand 0.8.30" in app.labels() and "serde 1.0.210" in app.labels()


def test_vendored_crates_come_before_the_registry(app: Opened) -> None:
    vendored = {f"vendor/rand/{name}": text for name, text in crate("rand", "0.8.5", "of_vendor").items()}
    write(app.root, {**vendored, ".cargo/config.toml": '[source.vendored-sources]\ndirectory = "vendor"\n'})
    assert app.update()
    assert "of_vendor" in app.shown("src/main.rs", f"{MAIN}again::of_vendor(")


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("../../secret", "1.0.0"),
        ("secret", "../../secret"),
        ("secret", "1/../../../secret"),
        ("se/cret", "1.0.0"),
        ("..", "1"),
    ],
)
def test_no_lock_leads_out_of_the_registry(registry: Path, tmp_path: Path, name: str, version: str) -> None:
    for folder in (tmp_path, tmp_path / "cargo" / "registry", registry.parent):
        write(folder / "secret", crate("secret", "1.0.0", "stolen"))
    lock = f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = "registry+x"\n'
    manifest = (
        f'[package]\nname = "a"\n[dependencies]\nx = {{ package = "{name}", version = "{version}" }}\nsecret = "*"\n'
    )
    config = '[source.a]\ndirectory = "../"\n[source.b]\ndirectory = "/"\n[source.c]\ndirectory = "."\n'
    write(tmp_path / "app", {"Cargo.toml": manifest, "Cargo.lock": lock, ".cargo/config.toml": config})
    assert list(CargoInstallation(tmp_path / "app").packages(["secret", "x", name, "se::cret"])) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_vendor_folder_that_leads_out_of_the_repository_is_none(registry: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "secret", crate("secret", "1.0.0", "stolen"))
    lock = '[[package]]\nname = "secret"\nversion = "1.0.0"\nsource = "registry+x"\n'
    write(tmp_path / "app", {"Cargo.toml": "[package]\nname = 'a'\n[dependencies]\nsecret = '1'\n", "Cargo.lock": lock,
                             ".cargo/config.toml": '[source.a]\ndirectory = "vendor"\n'})  # fmt: skip
    (tmp_path / "app" / "vendor").symlink_to(tmp_path / "elsewhere")
    assert list(CargoInstallation(tmp_path / "app").packages(["secret"])) == []


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, "a." * 100_000 + "b = 1", '"' + '\\"' * 500_000, "\xff", "[package]\nname = 3",
        "[package]\nname = 'x'\n[dependencies]\ny = [1]\n[workspace]\nmembers = 4\n[lib]\npath = '../..'",
    ],
)  # fmt: skip
def test_hostile_manifests_say_nothing(registry: Path, tmp_path: Path, text: str) -> None:
    write(tmp_path / "app", {"Cargo.toml": text, "Cargo.lock": text * 2, ".cargo/config.toml": text})
    installation = CargoInstallation(tmp_path / "app")
    assert list(installation.packages(["serde"])) == [] and list(installation.projects()) == []
    assert installation.stamp()
