"""Source jars that Maven and Gradle builds name, read as they lie; and jars that no honest tool has written."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from codeassist_indexer.libraries.jvm_artifacts import JvmInstallation
from codeassist_indexer.libraries.source_jars import opened_jar
from tests.indexer.libraries.neighbours import Opened, write

CLIENT = """package com.acme.http;

/** Sends requests. It has more to it. */
public class Client implements AutoCloseable {
    private int hidden;
    public static final int MAX_REDIRECTS = 20;

    /** Sends one request. */
    public Reply sendRequest(String url, int timeout) { return null; }
    void forThePackage() {}
    public static class Builder { public Client build() { return null; } }
}
"""
FILES = {
    "com/acme/http/Client.java": CLIENT,
    "com/acme/http/Helpers.kt": "package com.acme.http\n\n/** Opens a client. */\n"
    "fun openClient(url: String): Client = TODO()\n\n"
    "internal fun internalOnly() {}\n",
    "META-INF/maven/x/X.java": "public class X {}\n",
    "com/acme/http/Client.class": "\0\0",
}
USE = """package app;

import com.acme.http.Client;
import static com.acme.http.Client.MAX_REDIRECTS;
import com.acme.json.*;
import java.util.List;

class Main {
    void run() {
        """
POM = """<project>
  <groupId>app</groupId><artifactId>app</artifactId><version>1</version>
  <properties><acme.version>2.0.1</acme.version></properties>
  <dependencies>
    <dependency>
      <groupId>com.acme</groupId> <artifactId>http</artifactId>
      <version>${acme.version}</version>
    </dependency>
  </dependencies>
</project>
"""


def jar(path: Path, files: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def dependency(group: str, name: str, version: str = "", scope: str = "compile") -> str:
    said = f"<version>{version}</version>" if version else ""
    said = f"<groupId>{group}</groupId><artifactId>{name}</artifactId>{said}<scope>{scope}</scope>"
    return f"<dependency>{said}</dependency>"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.delenv("GRADLE_USER_HOME", raising=False)
    return tmp_path / "home"


def in_maven(home: Path, group: str, name: str, version: str, files: Mapping[str, str], pom: str = "") -> Path:
    folder = home / ".m2" / "repository" / group.replace(".", "/") / name / version
    jar(folder / f"{name}-{version}-sources.jar", files)
    write(folder, {f"{name}-{version}.pom": f"<project><dependencies>{pom}</dependencies></project>"})
    return folder


def in_gradle(home: Path, group: str, name: str, version: str, files: Mapping[str, str], pom: str = "") -> None:
    folder = home / ".gradle" / "caches" / "modules-2" / "files-2.1" / group / name / version
    jar(folder / "0a1b" / f"{name}-{version}-sources.jar", files)
    write(folder / "2c3d", {f"{name}-{version}.pom": f"<project><dependencies>{pom}</dependencies></project>"})


JSON = {"com/acme/json/Json.java": "package com.acme.json;\n\npublic interface Json { String writeText(); }\n"}
CATALOG = '[versions]\na = "2.0.1"\n[libraries]\nh = { module = "com.acme:http", version.ref = "a" }\n'
Put = Callable[..., object]
BUILDS = [
    {"pom.xml": POM},
    {"build.gradle": "dependencies {\n  implementation 'com.acme:http:2.0.1'\n}\n"},
    {"app/build.gradle.kts": 'dependencies { implementation(group = "com.acme", name = "http", version = "2.0.1") }\n'},
    {"gradle/libs.versions.toml": CATALOG},
    {"gradle.lockfile": "com.acme:http:2.0.1=compileClasspath\n"},
    {"build.sbt": 'libraryDependencies += "com.acme" % "http" % "2.0.1"\n'},
]


@pytest.mark.parametrize("build", BUILDS, ids=[next(iter(build)) for build in BUILDS])
@pytest.mark.parametrize("put", [in_maven, in_gradle])
def test_what_a_build_names_is_found_and_what_that_needs(
    home: Path, tmp_path: Path, build: dict[str, str], put
) -> None:
    put(
        home,
        "com.acme",
        "http",
        "2.0.1",
        FILES,
        dependency("com.acme", "json") + dependency("com.acme", "t", "1", "test"),
    )
    put(
        home,
        "com.acme",
        "http",
        "3.0.0",
        {"com/acme/http/Client.java": "package com.acme.http;\npublic class Newer {}\n"},
    )
    put(home, "com.acme", "json", "1.10", JSON)
    put(home, "com.acme", "json", "1.9", {"com/acme/json/Old.java": "package com.acme.json;\npublic class Old {}\n"})
    put(home, "com.acme", "t", "1", {"com/acme/json/OfTest.java": "package com.acme.json;\npublic class OfTest {}\n"})
    write(tmp_path / "app", {**build, "src/Main.java": USE})
    installation = JvmInstallation(tmp_path / "app", {"HOME": str(home)})
    found = {each.label: each for each in installation.packages(["com.acme.http", "com.acme.json", "java.util"])}
    assert list(found) == ["com.acme:http 2.0.1", "com.acme:json 1.10"]
    assert set(found["com.acme:http 2.0.1"].files) == {"com/acme/http/Client.java", "com/acme/http/Helpers.kt"}


def test_definitions_of_a_jar_are_shown(home: Path, tmp_path: Path) -> None:
    in_maven(home, "com.acme", "http", "2.0.1", FILES, dependency("com.acme", "json"))
    in_maven(home, "com.acme", "json", "1.10", JSON)
    kotlin = "package app\n\nimport com.acme.http.openClient\n\nfun main() {\n    "
    app = Opened(
        tmp_path / "app", {"pom.xml": POM, "src/main/java/app/Main.java": USE, "src/main/kotlin/app/m.kt": kotlin}
    )
    assert app.update() and not app.update()
    assert app.labels() == ["com.acme:http 2.0.1", "com.acme:json 1.10"]
    shown = app.shown("src/main/java/app/Main.java", f"{USE}Client client = new Client();\n        Json json; client.")
    label, path, text = shown["Client"]
    assert (label, path) == ("com.acme:http 2.0.1", "com/acme/http/Client.java")
    assert text.startswith("// Sends requests. It has more to it.\npublic class Client implements AutoCloseable {")
    assert "public Reply sendRequest(String url, int timeout)" in text
    assert "hidden" not in text and "forThePackage" not in text
    assert shown["Json"][0] == "com.acme:json 1.10", "by a star"
    found = app.shown("src/main/kotlin/app/m.kt", f"{kotlin}openClient(")["com.acme.http.openClient"]
    assert found[1:] == ("com/acme/http/Helpers.kt", "// Opens a client.\nfun openClient(url: String): Client\n")
    for made in ("Client c = find();", "Client c;", "var c = new Client.Builder().build(); Client c = c;"):
        assert "Client.sendRequest" in app.shown("src/main/java/app/Main.java", f"{USE}{made}\n        c.sendRequest(")
    assert not list(tmp_path.rglob("Client.java")), "unpacked nowhere"


def test_what_the_repository_has_itself_is_not_looked_up(home: Path, tmp_path: Path) -> None:
    in_maven(home, "com.acme", "http", "2.0.1", FILES)
    app = Opened(
        tmp_path / "app", {"pom.xml": POM, "a/Main.java": USE, "src/main/java/com/acme/http/Client.java": CLIENT}
    )
    app.update()
    assert app.labels() == []


def test_modules_and_included_builds_beside_the_repository(home: Path, tmp_path: Path) -> None:
    lib = {"core/src/main/java/com/acme/http/Client.java": CLIENT}
    for name, build in {
        "maven": {"pom.xml": "<project><modules><module>../lib/core</module></modules></project>"},
        "gradle": {"settings.gradle.kts": 'rootProject.name = "x"\nincludeBuild("../lib")\n'},
        "groovy": {"settings.gradle": "include ':core'\nproject(':core').projectDir = file('../lib/core')\n"},
        "hostile": {"settings.gradle": "includeBuild('../')\nincludeBuild('/')\nincludeBuild('../../../../..')\n"},
    }.items():
        write(tmp_path / name, {**build, "Main.java": USE})
    write(tmp_path / "lib", lib)
    assert not [
        name for name in ("maven", "gradle", "groovy") if (o := Opened(tmp_path / name, {})).update() and o.labels()
    ]
    Opened(tmp_path / "lib", {})
    Opened(tmp_path, {}, tmp_path / "cache")
    for name in ("maven", "gradle", "groovy"):
        app = Opened(tmp_path / name, {})
        app.update()
        assert app.shown("Main.java", f"{USE}Client client")["Client"][:2] == ("lib", next(iter(lib))), name
    app = Opened(tmp_path / "hostile", {})
    app.update()
    assert app.labels() == []


@pytest.mark.parametrize(
    ("group", "name", "version"),
    [
        ("..", "secret", "1"),
        ("a", "..", "1"),
        ("a..b", "secret", "1"),
        ("/etc", "x", "1"),
        ("a", "x", "../../1"),
        ("a", "x/../y", "1"),
    ],
)
def test_no_build_leads_out_of_the_caches(home: Path, tmp_path: Path, group: str, name: str, version: str) -> None:
    for folder in (
        home / ".m2" / "secret" / "1",
        home / ".m2" / "1",
        home / ".m2" / "repository" / "1",
        home / ".m2" / "secret",
    ):
        jar(folder / f"secret-{folder.name}-sources.jar", FILES)
    write(tmp_path / "app", {"pom.xml": f"<project>{dependency(group, name, version)}</project>"})
    assert list(JvmInstallation(tmp_path / "app", {"HOME": str(home)}).packages(["com.acme.http"])) == []


def hostile_jars() -> dict[str, bytes]:
    def made(files: Mapping[str, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return out.getvalue()

    whole = made({"a/B.java": b"package a; public class B {}"})
    bomb = bytearray(made({"a/B.java": b"/" * (64 << 20)}))
    at = bomb.rfind(b"PK\x01\x02")
    struct.pack_into("<I", bomb, at + 24, 100)  # it says that the text has 100 bytes
    big_table = bytearray(whole)
    end = big_table.rfind(b"PK\x05\x06")
    struct.pack_into("<I", big_table, end + 12, 0x7FFFFFFF)
    return {
        "names": made(dict.fromkeys(("../../a/B.java", "/etc/B.java", "a\\..\\B.java", "C:/B.java", "a/./B"), b"")),
        "bomb": bytes(bomb), "table": bytes(big_table), "cut": whole[:-30], "none": b"no zip", "empty": b"",
        "wrong": whole.replace(b"public", b"publik"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["names", "bomb", "table", "cut", "none", "empty", "wrong"])
def test_a_hostile_jar_gives_nothing_and_costs_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jar"
    path.write_bytes(hostile_jars()[kind])
    with opened_jar(path) as opened:
        names = list(opened.names) if opened is not None else []
        read = [opened.read(name, 1_000) for name in names if opened is not None]
    assert all(content is None or len(content) <= 1_000 for content in read)
    assert names == (["a/B.java"] if kind in ("bomb", "wrong") else [])
    assert [path.name for path in tmp_path.iterdir()] == ["a.jar"]


def test_a_jar_that_is_a_link_or_a_folder_is_none(tmp_path: Path) -> None:
    jar(tmp_path / "real.jar", FILES)
    (tmp_path / "link.jar").symlink_to(tmp_path / "real.jar")
    (tmp_path / "folder.jar").mkdir()
    for name in ("link.jar", "folder.jar", "absent.jar"):
        with opened_jar(tmp_path / name) as opened:
            assert opened is None
