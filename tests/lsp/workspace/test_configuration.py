"""What an editor sends lies over the files; mistakes are reported once and left out; changed files are read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist.settings import RULES, Author, Override
from codeassist_lsp.workspace.configuration import Configuration


class Client:
    """A configuration with its own home, and what it reported."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.reported: list[str] = []
        self.environment = {"CODEASSIST_HOME": str(self.home)}
        self.configuration = Configuration(self.reported.append, environment=self.environment)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


def test_options_lie_over_files_and_the_command_line_over_options(client: Client, tmp_path: Path) -> None:
    (client.home / "config.toml").write_text(
        "[completion]\nmax_lines = 1\nmax_new_tokens = 7\n[editor]\nmax_lines = 5\n"
    )
    overrides = [Override("editor.max_lines", "6", "--set")]
    configuration = Configuration(client.reported.append, overrides, client.environment)
    configuration.set_options({"completion": {"max_lines": 2, "max_new_tokens": None}, "editor": {"max_lines": 3}})
    settings = configuration.settings(None)
    assert (settings.completion.max_lines, settings.editor.max_lines, settings.completion.max_new_tokens) == (2, 6, 7)
    assert configuration.origins(None)["completion.max_lines"] == "editor settings"
    configuration.set_options(None)
    assert configuration.settings(None).completion.max_lines == 1
    assert client.reported == []


@pytest.mark.parametrize("options", [{"codeassist": {"editor": {"mode": "off"}}}, {"editor.mode": "off"}])
def test_options_in_other_spellings(client: Client, options: object) -> None:
    client.configuration.set_options(options)
    assert client.configuration.settings(None).editor.mode == "off"


def test_two_repositories_have_their_own_settings(client: Client, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for root, lines in ((one, 3), (two, 5)):
        root.mkdir()
        (root / ".codeassist.toml").write_text(f"[editor]\nmax_lines = {lines}\n")
    client.configuration.set_options({"editor": {"min_confidence": 1}})
    found = [client.configuration.settings(root).editor for root in (one, two, None)]
    assert [(editor.max_lines, editor.min_confidence) for editor in found] == [(3, 1), (5, 1), (16, 1)]


def test_each_wrong_option_is_reported_once_and_the_rest_stands(client: Client, tmp_path: Path) -> None:
    options = {
        "editor": {"mod": "off", "max_lines": 0, "min_confidence": 0.25, "multiline": "sometimes"},
        "edtor": {"mode": "off"},
        "models": {"evil": {"gguf": "/etc/passwd"}},
        "server": {"path": "/usr/bin/codeassist"},
        "trace": {"server": "verbose"},
        "mode": 3,
    }
    client.configuration.set_options(options)
    for root in (None, tmp_path, None):
        editor = client.configuration.settings(root).editor
        assert (editor.min_confidence, editor.max_lines) == (0.25, 16)
        assert (editor.mode, editor.multiline) == ("automatic", "auto")
    for part in (
        "unknown setting editor.mod; did you mean editor.mode?",
        "editor.max_lines is 0, but must be a whole number from 1 to 1000",
        "editor.multiline is 'sometimes', but must be one of",
        "unknown setting edtor.mode; did you mean editor.mode?",
        "editor settings: models cannot be set here",
        "unknown setting mode",
    ):
        assert len([problem for problem in client.reported if part in problem]) == 1, part
    assert len(client.reported) == 6
    client.configuration.set_options({"editor": {"min_confidence": 0.75}})
    assert client.configuration.problems == ()
    client.configuration.set_options({"editor": {"mod": "off"}})
    assert len(client.reported) == 7


@pytest.mark.parametrize("options", [3, ["editor"], "off"])
def test_options_that_are_no_object_are_reported(client: Client, options: object) -> None:
    client.configuration.set_options(options)
    assert len(client.reported) == 1
    assert "is no object" in client.reported[0]


def test_changed_files_hold_at_once(client: Client, tmp_path: Path) -> None:
    settings = client.configuration.settings(tmp_path)
    assert client.configuration.settings(tmp_path) is settings
    (tmp_path / ".codeassist.toml").write_text("[editor]\nmax_lines = 2\n")
    assert client.configuration.settings(tmp_path).editor.max_lines == 2
    (client.home / "config.toml").write_text("[editor]\nmode = 'manual'\n")
    assert client.configuration.settings(tmp_path).editor.mode == "manual"
    (tmp_path / ".codeassist.toml").unlink()
    assert client.configuration.settings(tmp_path).editor.max_lines == 16
    (tmp_path / ".codeassist.toml").write_text("# nothing that matters\n")
    same = client.configuration.settings(tmp_path)
    (tmp_path / ".codeassist.toml").write_text("# nothing that matters either\n")
    assert client.configuration.settings(tmp_path) is same


def test_a_half_written_file_says_what_it_said_before(client: Client, tmp_path: Path) -> None:
    file = tmp_path / ".codeassist.toml"
    file.write_text("[index]\nexclude = ['private/']\n")
    assert client.configuration.settings(tmp_path).index.exclude == ("private/",)
    file.write_text("[index]\nexclude = ['private/', \n")
    assert client.configuration.settings(tmp_path).index.exclude == ("private/",)
    client.configuration.set_options({"editor": {"mode": "off"}})
    settings = client.configuration.settings(tmp_path)
    assert (settings.index.exclude, settings.editor.mode) == (("private/",), "off")
    assert len(client.reported) == 1
    assert "not valid TOML" in client.reported[0]
    file.write_text("[index]\nexclude = ['private/', 'old/']\n")
    assert client.configuration.settings(tmp_path).index.exclude == ("private/", "old/")
    assert client.configuration.problems == ()


def test_a_repository_may_still_not_choose_a_model(client: Client, tmp_path: Path) -> None:
    (tmp_path / ".codeassist.toml").write_text("[model]\nname = 'evil'\n[editor]\nmode = 'off'\nmax_lines = 4\n")
    settings = client.configuration.settings(tmp_path)
    assert (settings.model.name, settings.editor.mode, settings.editor.max_lines) == ("auto", "automatic", 4)
    assert len(client.reported) == 1
    assert "a repository may not set model.name, editor.mode (" in client.reported[0]


def test_a_wrong_pattern_is_reported_and_the_others_hold(client: Client) -> None:
    client.configuration.set_options({"index": {"exclude": ["private/", "!taken-back", "*.sql"]}})
    assert client.configuration.settings(None).index.exclude == ("private/", "*.sql")
    assert len(client.reported) == 1
    assert "'!taken-back' would take back" in client.reported[0]


@pytest.mark.parametrize("key", [key for key, rule in RULES.items() if rule.author is Author.USER])
def test_what_is_the_users_alone_an_editor_cannot_set(client: Client, key: str) -> None:
    before = client.configuration.settings(None)
    section, _, name = key.partition(".")
    for options in ({section: {name: "/evil"}}, {key: ["python=/evil"]}, {"codeassist": {section: {name: 20}}}):
        client.configuration.set_options(options)
        assert client.configuration.settings(None) == before
        assert client.configuration.origins(None)[key] == "default"
    [said] = client.reported
    assert said.startswith(f"editor settings: {key} cannot be set here")
    assert str(client.home / "config.toml") in said


def test_however_much_an_editor_may_not_set_it_is_told_once_and_briefly(client: Client) -> None:
    every = {key: "x" for key, rule in RULES.items() if rule.author is Author.USER}
    every |= {f"models.evil-{number}.gguf": "/x" for number in range(10_000)}
    client.configuration.set_options(every)
    client.configuration.set_options(every)
    [said] = client.reported
    assert said.count(", ") < 10 and len(said) < 600 and " more cannot be set here" in said


def test_the_command_line_of_the_process_may_set_it(client: Client, tmp_path: Path) -> None:
    overrides = [Override("monitor.servers", "python=mine --stdio", "--set")]
    configuration = Configuration(client.reported.append, overrides, client.environment)
    configuration.set_options({"monitor": {"servers": ["python=/evil"]}})
    assert configuration.settings(tmp_path).monitor.servers == ("python=mine --stdio",)
    assert len(client.reported) == 1


def test_an_editor_does_not_send_what_the_user_keeps_at_home(client: Client, tmp_path: Path) -> None:
    """With a remote engine, neither an editor nor a repository brings in what the user's own settings leave out."""
    (tmp_path / ".codeassist.toml").write_text("[context]\nmode = 'lexical'\n")
    mine = "[context]\nmode = 'none'\n[editor]\nmode = 'off'\n"
    (client.home / "config.toml").write_text(mine)
    client.configuration.set_options({"context": {"mode": "full"}, "editor": {"mode": "automatic"}})
    settings = client.configuration.settings(tmp_path)
    assert (settings.context.mode, settings.editor.mode) == ("full", "automatic")
    (client.home / "config.toml").write_text(mine + "[remote]\nurl = 'https://host.example/v1'\n")
    settings = client.configuration.settings(tmp_path)
    assert (settings.context.mode, settings.editor.mode) == ("none", "off")
    assert len(client.reported) == 2 and all("would send more to remote.url" in said for said in client.reported)
    (client.home / "config.toml").write_text("[remote]\nurl = 'https://host.example/v1'\n")
    settings = client.configuration.settings(tmp_path)
    assert (settings.context.mode, settings.editor.mode) == ("full", "automatic")
