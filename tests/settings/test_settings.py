"""Settings: every place, in order; every mistake named with its place and the nearest right word."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codeassist.errors import SettingsError
from codeassist.settings import RULES, Author, Override, Settings, defaults, locate, resolve, salvage
from codeassist.settings.removed import REMOVED
from codeassist.settings.sections import MODEL_RULES, Rule, _personal, _shared_sum
from codeassist.settings.values import ValueKind, or_none, path, text, texts

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "repository").mkdir()
    return tmp_path / "repository"


def environment(home: Path, **variables: str) -> dict[str, str]:
    return {"CODEASSIST_HOME": str(home), **variables}


def test_defaults_stand_where_nothing_is_set(home: Path, repository: Path) -> None:
    resolved = resolve(repository, (), environment(home))
    expected = Settings()
    assert resolved.settings.model == expected.model
    assert resolved.settings.completion.max_lines == 1
    assert resolved.settings.cache == expected.cache
    assert set(resolved.origins.values()) == {"default"}
    assert defaults(environment(home)) == resolved


def test_later_places_win_and_each_origin_is_kept(home: Path, repository: Path) -> None:
    (home / "config.toml").write_text(
        "[completion]\nmax_new_tokens = 10\nmax_lines = 7\n[editor]\nmax_lines = 1\nmin_confidence = 0.25\n"
        "[context]\ndeadline_ms = 5\n"
    )
    (repository / ".codeassist.toml").write_text(
        "[completion]\nmax_new_tokens = 20\nmax_lines = 8\n[editor]\nmax_lines = 2\n"
    )
    resolved = resolve(
        repository,
        [Override("completion.max_new_tokens", "40", "--max-new-tokens")],
        environment(home, CODEASSIST_EDITOR_MAX_LINES="3", CODEASSIST_COMPLETION_MAX_NEW_TOKENS="30"),
    )
    completion, editor = resolved.settings.completion, resolved.settings.editor
    assert (completion.max_new_tokens, completion.max_lines) == (40, 8)
    assert (editor.max_lines, editor.min_confidence) == (3, 0.25)
    assert resolved.origins["completion.max_new_tokens"] == "--max-new-tokens"
    assert resolved.origins["editor.max_lines"] == "environment CODEASSIST_EDITOR_MAX_LINES"
    assert resolved.origins["completion.max_lines"] == str(repository / ".codeassist.toml")
    assert resolved.origins["context.deadline_ms"] == str(home / "config.toml")


def test_exclusions_add_up_so_that_no_repository_lifts_the_users(home: Path, repository: Path) -> None:
    (home / "config.toml").write_text('[index]\nexclude = ["private/", "*.sql"]\n')
    (repository / ".codeassist.toml").write_text('[index]\nexclude = ["vendor/"]\n')
    resolved = resolve(repository, (), environment(home, CODEASSIST_INDEX_EXCLUDE="a, b,*.sql"))
    assert resolved.settings.index.exclude == ("private/", "*.sql", "vendor/", "a", "b")
    assert resolved.origins["index.exclude"].count(",") == 2


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("completion.max_lines", "unlimited", None),
        ("completion.max_lines", "3", 3),
        ("model.threads", "auto", None),
        ("model.device", "cuda:1", "cuda:1"),
        ("editor.completion_items", "true", True),
        ("editor.min_confidence", "0.25", 0.25),
        ("index.exclude", "a/,b/", ("a/", "b/")),
    ],
)
def test_texts_are_read_as_the_settings_kind(home: Path, key: str, text: str, value: object) -> None:
    section, _, name = key.partition(".")
    settings = resolve(None, [Override(key, text, "--set")], environment(home)).settings
    assert getattr(getattr(settings, section), name) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("completion.max_lines", "0"),
        ("completion.max_lines", "-1"),
        ("completion.max_new_tokens", "many"),
        ("editor.min_confidence", "nan"),
        ("editor.min_confidence", "inf"),
        ("context.mode", "ful"),
        ("model.device", "cuda:x"),
        ("model.format", "int4"),
        ("editor.completion_items", "maybe"),
        ("context.encoder", "relative/folder"),
    ],
)
def test_a_value_that_does_not_fit_says_what_would(home: Path, key: str, text: str) -> None:
    with pytest.raises(SettingsError, match=rf"^--set: {re.escape(key)} is .*, but must be "):
        resolve(None, [Override(key, text, "--set")], environment(home))


@pytest.mark.parametrize("line", ["max_new_tokens = true", 'max_new_tokens = "10"', "max_new_tokens = 1.5"])
def test_a_wrong_type_in_a_file_is_an_error_that_names_the_file(home: Path, line: str) -> None:
    (home / "config.toml").write_text(f"[completion]\n{line}\n")
    with pytest.raises(SettingsError, match=r"config\.toml: completion\.max_new_tokens is .* whole number"):
        resolve(None, (), environment(home))


def test_unknown_keys_name_the_nearest_and_where_they_stand(home: Path, repository: Path) -> None:
    (home / "config.toml").write_text("[completion]\nmax_line = 3\n")
    with pytest.raises(
        SettingsError, match=r"config\.toml: unknown setting completion\.max_line; did you mean completion\.max_lines"
    ):
        resolve(None, (), environment(home))
    (home / "config.toml").write_text("[complation]\nmax_lines = 3\n")
    with pytest.raises(SettingsError, match="unknown section complation; did you mean completion"):
        resolve(None, (), environment(home))
    (home / "config.toml").unlink()
    (repository / ".codeassist.toml").write_text("[context]\nmoda = 3\n")
    with pytest.raises(
        SettingsError, match=r"\.codeassist\.toml: unknown setting context\.moda; did you mean context\.mode"
    ):
        resolve(repository, (), environment(home))
    for name in ("context.colour", "nonsense.mode_of_it", "x"):  # like none: a right section makes no key likely
        with pytest.raises(SettingsError, match=f"unknown setting {name}; `codeassist docs settings` names them all"):
            resolve(None, [Override(name, "3", "--set")], environment(home))
    (told,) = resolve(None, (), environment(home, CODEASSIST_RAINBOW="x")).problems
    assert told.endswith("CODEASSIST_RAINBOW has no effect; `codeassist docs settings` names them all")
    (told,) = resolve(None, (), environment(home, CODEASSIST_MODLE_NAME="x")).problems
    assert told == (
        "environment: unknown variable CODEASSIST_MODLE_NAME has no effect; did you mean CODEASSIST_MODEL_NAME?"
    )
    with pytest.raises(SettingsError, match=r"--set: unknown setting cache\.memory; did you mean cache\.memory_mib"):
        resolve(None, [Override("cache.memory", "3", "--set")], environment(home))


@pytest.mark.parametrize("key", REMOVED)
def test_a_setting_that_is_gone_is_named_with_what_holds_now_and_the_rest_stands(
    home: Path, repository: Path, key: str
) -> None:
    section, _, name = key.partition(".")
    set_there = f"[{section}]\n{name} = 7\n"
    (home / "config.toml").write_text(f"[feedback]\ncount = false\n{set_there}")
    (repository / ".codeassist.toml").write_text(set_there)
    variable = f"CODEASSIST_{section}_{name}".upper()
    options = [Override(key, "7", "--set"), Override(key, 7, "editor settings", Author.EDITOR)]
    for read in (resolve, salvage):
        resolved = read(repository, options, environment(home, **{variable: "7"}))
        assert resolved.settings.feedback.count is False
        assert len(resolved.problems) == 5
        where = (str(home), str(repository), variable, "--set", "editor settings")
        for place, said in zip(where, resolved.problems, strict=True):
            assert place in said and f"no setting any more; remove it ({key}: {REMOVED[key]})" in said


def test_however_many_settings_of_a_place_are_gone_it_is_told_once(home: Path) -> None:
    sections: dict[str, list[str]] = {}
    for key in REMOVED:
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = 1")
    text = "\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items())
    (home / "config.toml").write_text(text)
    [said] = resolve(None, (), environment(home)).problems
    assert all(f"{key}: " in said for key in REMOVED)


def test_no_setting_is_both_there_and_gone() -> None:
    assert not REMOVED.keys() & RULES.keys()
    assert len(RULES) < 45
    named = {each for says in REMOVED.values() for each in re.findall(r"\b[a-z]+\.[a-z_]+\b", says)}
    assert named <= RULES.keys(), "what is to be set instead exists"


@pytest.mark.parametrize(
    "text",
    [
        '[model]\nname = "evil"',
        '[model]\ndevice = "cuda"',
        '[models.evil]\nhub = "someone/else"',
        '[models.evil]\ngguf = "/etc/passwd"',
        "[cache]\nmemory_mib = 100000",
        '[monitor]\nservers = ["python=./evil"]',
        '[context]\nencoder = "/evil"',
        '[remote]\nrepositories = ["*"]',
    ],
)
def test_a_repository_may_not_choose_models_devices_or_paths(home: Path, repository: Path, text: str) -> None:
    (repository / ".codeassist.toml").write_text(text)
    with pytest.raises(SettingsError, match="a repository may not set"):
        resolve(repository, (), environment(home))


def test_a_repository_file_that_leads_elsewhere_is_not_read(home: Path, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.toml").write_text("[completion]\nmax_lines = 1\n")
    (repository / ".codeassist.toml").symlink_to(tmp_path / "secret.toml")
    with pytest.raises(SettingsError, match="leads out of the repository"):
        resolve(repository, (), environment(home))
    (repository / ".codeassist.toml").unlink()
    (repository / ".codeassist.toml").symlink_to(".codeassist.toml")
    with pytest.raises(SettingsError, match=r"leads out of the repository|not a regular file"):
        resolve(repository, (), environment(home))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[completion\n", "not valid TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"completion = 3\n", r"write \[completion\]"),
        (b"#" * (2 << 20), "larger than 64 KiB"),
    ],
)
def test_a_file_that_is_no_settings_file_is_one_line(home: Path, content: bytes, message: str) -> None:
    (home / "config.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        resolve(None, (), environment(home))
    assert "\n" not in str(caught.value)


def test_a_folder_in_a_settings_files_place_is_an_error(home: Path) -> None:
    (home / "config.toml").mkdir()
    with pytest.raises(SettingsError, match="not a regular file"):
        resolve(None, (), environment(home))


def test_codeassist_config_names_another_file(home: Path, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[completion]\nmax_lines = 9\n")
    resolved = resolve(None, (), environment(home, CODEASSIST_CONFIG=str(tmp_path / "other.toml")))
    assert resolved.settings.completion.max_lines == 9
    with pytest.raises(SettingsError, match="CODEASSIST_CONFIG names"):
        resolve(None, (), environment(home, CODEASSIST_CONFIG=str(tmp_path / "none.toml")))


def test_what_is_wrong_can_be_left_out_and_named(home: Path, repository: Path) -> None:
    (home / "config.toml").write_text(
        "[completion]\nmax_line = 3\nmax_lines = 'x'\n[editor]\nmin_confidence = 0.25\n[contxt]\nmode = 'none'\n"
        "[models.x]\nlicence = 'MIT'\n"
    )
    (repository / ".codeassist.toml").write_text("[model]\nname = 'evil'\n[completion]\nmax_new_tokens = 9\n")
    found = salvage(
        repository,
        [Override("editor.mod", "off", "editor"), Override("editor.mode", "off", "editor")],
        environment(home, CODEASSIST_EDITOR_COMPLETION_ITEMS="maybe", CODEASSIST_CACHE_MODE="exact"),
    )
    settings = found.settings
    assert (settings.editor.min_confidence, settings.completion.max_new_tokens) == (0.25, 9)
    assert (settings.cache.mode, settings.editor.mode, settings.model.name) == ("exact", "off", "auto")
    for part in (
        "max_lines?",
        "completion.max_lines is 'x'",
        "section contxt; did you mean context?",
        "models.x: needs",
    ):
        assert len([problem for problem in found.problems if part in problem]) == 1, part
    for part in (
        "may not set model.name",
        "editor.completion_items is 'maybe'",
        "editor.mod; did you mean editor.mode?",
    ):
        assert len([problem for problem in found.problems if part in problem]) == 1, part
    assert len(found.problems) == 7


@pytest.mark.parametrize(
    ("content", "message"), [("[completion\n", "not valid TOML"), ("completion = 3", "is a section")]
)
def test_a_file_that_cannot_be_read_is_left_out_whole(home: Path, content: str, message: str) -> None:
    (home / "config.toml").write_text(content)
    found = salvage(None, (), environment(home, CODEASSIST_COMPLETION_MAX_LINES="3"))
    assert found.settings.completion.max_lines == 3
    assert len(found.problems) == 1
    assert message in found.problems[0]


def test_sockets_lie_where_only_the_user_looks(home: Path) -> None:
    assert locate({"XDG_RUNTIME_DIR": "/run/user/7"}).run == Path("/run/user/7/codeassist")
    assert locate(environment(home, XDG_RUNTIME_DIR="/run/user/7")).run == home / "cache" / "run"
    for useless in ("", "relative"):
        places = locate({"XDG_RUNTIME_DIR": useless})
        assert places.run == places.cache / "run"


def test_models_of_the_users_own(home: Path) -> None:
    digest = "0" * 64
    (home / "config.toml").write_text(
        f'[models.my-qwen]\ngguf = "~/q.gguf"\nsha256 = "{digest}"\n[models.theirs]\nhub = "a/b"\nrevision = "v1"\n'
    )
    resolved = resolve(None, (), environment(home))
    assert resolved.settings.models["my-qwen"].gguf == Path.home() / "q.gguf"
    assert resolved.settings.models["my-qwen"].sha256 == digest
    assert resolved.settings.models["theirs"].revision == "v1"
    assert resolved.origins["models.theirs"] == str(home / "config.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[models.x]\ngguf = "q.gguf"', "must be an absolute path"),
        ('[models.x]\ngguf = "/q.gguf"\nhub = "a/b"', "exactly one of"),
        ('[models.x]\nlicence = "MIT"', "exactly one of"),
        ('[models.x]\ngguff = "/q.gguf"', "unknown key gguff; did you mean gguf"),
        ('[models.x]\ngguf = "/q.gguf"\nsha256 = "abc"', "64 lower-case hex digits"),
        ('[models.x]\ngguf = "/q.gguf"\nrevision = "v1"', "revision belongs to hub"),
        ('[models."../x"]\ngguf = "/q.gguf"', "not a model's name"),
        ('[models.auto]\ngguf = "/q.gguf"', "not a model's name"),
        ("[models]\nx = 3", "must be a table"),
    ],
)
def test_models_of_the_users_own_that_do_not_fit(home: Path, text: str, message: str) -> None:
    (home / "config.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        resolve(None, (), environment(home))


# Settings that say what is started, read, written or sent, and every other text that nobody has listed.
THE_USERS_ALONE = {
    "monitor.servers", "context.encoder", *(key for key in RULES if key.startswith("remote.")),
}  # fmt: skip
TEXTS_OF_OTHERS = {
    "model.name",
    "model.device",
    "index.exclude",
    "editor.off_languages",
    "editor.off_paths",
    "edits.off_languages",
}
DANGEROUS = re.compile(
    "url|uri|host|proxy|server|command|program|exec|shell|path|file$|dir|folder|cache_dir|key|token(izer)?$|auth|cert|ca_|"
    "env|encoder|plugin|module|import|hook|script|remote|upload|send|repositor"
)


def test_what_could_start_read_write_or_send_is_the_users_alone() -> None:
    """A new setting that could name a program, a path or a host fails here until somebody has thought about it."""
    assert {key for key, rule in RULES.items() if rule.author is Author.USER} == THE_USERS_ALONE
    open_to_others = {key for key, rule in RULES.items() if rule.kind.is_open and rule.author is not Author.USER}
    assert open_to_others == TEXTS_OF_OTHERS and all(RULES[key].harmless for key in open_to_others)
    by_name = {key for key, rule in RULES.items() if DANGEROUS.search(key.partition(".")[2]) and not rule.harmless}
    assert by_name <= THE_USERS_ALONE
    assert not any(key.startswith("models.") for key in RULES) and MODEL_RULES, "only `config.toml` has models"


@pytest.mark.parametrize("kind", [text(), texts(), path(), or_none("none", path())])
def test_a_new_setting_with_an_open_value_must_say_why_others_may_make_it(kind: ValueKind) -> None:
    with pytest.raises(AssertionError, match="could name a program"):
        _personal(None, kind)
    with pytest.raises(AssertionError, match="could name a program"):
        _shared_sum(kind, harmless="")


@pytest.mark.parametrize("key", RULES)
def test_each_place_may_set_what_its_author_may(home: Path, repository: Path, key: str) -> None:
    section, _, name = key.partition(".")
    default = getattr(getattr(Settings(), section), name)
    value = written(default, RULES[key]) if default not in ((), True, False) else "" if default == () else str(default)
    written_down = f"[{section}]\n{name} = {toml(default, RULES[key])}\n"
    for author in Author:
        override = Override(key, value, "an option", author)
        if author < RULES[key].author:
            with pytest.raises(SettingsError, match=re.escape(key)):
                resolve(None, [override], environment(home))
        else:
            assert resolve(None, [override], environment(home)).origins[key] == "an option"
    (repository / ".codeassist.toml").write_text(written_down)
    if RULES[key].author is Author.REPOSITORY:
        assert resolve(repository, (), environment(home)).origins[key] == str(repository / ".codeassist.toml")
    else:
        with pytest.raises(SettingsError, match=f"a repository may not set {re.escape(key)} "):
            resolve(repository, (), environment(home))
    (home / "config.toml").write_text(written_down)
    variable = {f"CODEASSIST_{key.replace('.', '_').upper()}": value}
    assert resolve(None, (), environment(home)).origins[key] == str(home / "config.toml")
    assert "environment" in resolve(None, (), environment(home, **variable)).origins[key]


def toml(default: object, rule: Rule) -> str:
    match default:
        case bool():
            return str(default).lower()
        case int() | float():
            return str(default)
        case tuple():
            return json.dumps(default)
        case None:
            return f'"{rule.kind.none_word}"'
        case _:
            return f'"{default}"'


def test_where_text_leaves_the_machine_a_repository_adds_none_that_the_user_leaves_out(
    home: Path, repository: Path
) -> None:
    (repository / ".codeassist.toml").write_text("[context]\nmode = 'full'\n")
    (home / "config.toml").write_text("[context]\nmode = 'none'\n[remote]\nurl = 'https://host.example/v1'\n")
    resolved = resolve(repository, (), environment(home))
    assert resolved.settings.context.mode == "none"
    assert str(repository / ".codeassist.toml") in resolved.origins["context.mode"]
    assert len(resolved.problems) == 1 and str(home / "config.toml") in resolved.problems[0]
    resolved = resolve(repository, [Override("context.mode", "lexical", "--set")], environment(home))
    assert (resolved.settings.context.mode, resolved.problems) == ("lexical", ())
    (repository / ".codeassist.toml").write_text("[context]\nmode = 'none'\n")
    (home / "config.toml").write_text("[context]\nmode = 'full'\n[remote]\nurl = 'https://host.example/v1'\n")
    resolved = resolve(repository, (), environment(home))
    assert (resolved.settings.context.mode, resolved.problems) == ("none", ()), "less is a repository's to say"


def test_every_setting_is_documented_with_its_default_and_who_may_make_it() -> None:
    documented = DOCS.read_text(encoding="utf-8")
    found = re.finditer(r"^\| `(\w+\.\w+)` \| ([^|]*) \|.*\| ([\w, ]+) \|$", documented, flags=re.MULTILINE)
    rows, authors = {}, {}
    for match in found:
        rows[match[1]], authors[match[1]] = match[2], match[3]
    assert set(rows) == set(RULES)
    who = {Author.USER: "you", Author.EDITOR: "you, editor", Author.REPOSITORY: "you, editor, repository"}
    assert authors == {key: who[rule.author] for key, rule in RULES.items()}
    for key, rule in RULES.items():
        section, _, name = key.partition(".")
        assert rows[key].strip().strip("`") == written(getattr(getattr(Settings(), section), name), rule), key


def written(default: object, rule: Rule) -> str:
    match default:
        case bool():
            return str(default).lower()
        case None:
            return str(rule.kind.none_word)
        case ():
            return "empty"
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


def test_the_users_list_takes_the_place_of_a_lists_default_and_others_add_to_it(home: Path, repository: Path) -> None:
    default = Settings().editor.off_paths
    assert {".env*", "*.pem", "*.key"} <= set(default)
    (repository / ".codeassist.toml").write_text("[editor]\noff_paths = ['private/']\n")
    options = [Override("editor.off_paths", ["*.sql", ".env*"], "editor", Author.EDITOR)]
    assert resolve(repository, options, environment(home)).settings.editor.off_paths == (*default, "private/", "*.sql")
    (home / "config.toml").write_text("[editor]\noff_paths = ['mine']\n")
    assert resolve(repository, options, environment(home)).settings.editor.off_paths == (
        "mine", "private/", "*.sql", ".env*",
    )  # fmt: skip
    (home / "config.toml").unlink()
    variables = environment(home) | {"CODEASSIST_EDITOR_OFF_PATHS": "mine"}
    assert resolve(repository, (), variables).settings.editor.off_paths == ("private/", "mine")
    (home / "config.toml").write_text("[editor]\noff_paths = []\n")
    assert resolve(None, (), environment(home)).settings.editor.off_paths == ()


@pytest.mark.parametrize("name", ["/models/coder.gguf", "coder.GGUF", "./coder", "..", "folder/coder"])
def test_only_the_user_names_a_models_file(home: Path, repository: Path, name: str) -> None:
    """Files that a repository carries are not loaded because it, or an editor's settings in it, say so."""
    assert resolve(None, [Override("model.name", name, "--model")], environment(home)).settings.model.name == name
    with pytest.raises(SettingsError, match=r"model\.name cannot be set here"):
        resolve(None, [Override("model.name", name, "the editor", Author.EDITOR)], environment(home))
    (repository / ".codeassist.toml").write_text(f'[model]\nname = "{name}"\n')
    with pytest.raises(SettingsError, match=r"may not set model\.name"):
        resolve(repository, (), environment(home))


def test_there_are_few_settings() -> None:
    """One more needs a user who wants it, and takes the place of another."""
    assert len(RULES) <= 40
