"""The plugin around the suggestions: options, switches, commands, status, the server's life, other clients."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from .conftest import Bench, rule
from .editor import PLUGIN, SERVER, Editor, one_for_each_display, variants


@pytest.fixture
def file(own: Editor) -> Path:
    return own.folder.parent / "repository" / "a.py"


def once(editor: Editor) -> None:
    """What depends on neither Neovim nor display is tested once."""
    if editor.variant != variants()[0]:
        pytest.skip("tested with another Neovim")


def once_for_each_display(editor: Editor) -> None:
    if editor.variant not in one_for_each_display():
        pytest.skip("tested with another Neovim")


def server_pid(editor: Editor) -> int:
    return editor.ask_server("test.pid")


# -- options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keyz": {}}, 'unknown option "keyz" (did you mean "keys"?)'),
        ({"keys": {"acept": "<C-l>"}}, 'unknown key "keys.acept" (did you mean "keys.accept"?)'),
        ({"colour": "red"}, 'unknown option "colour"\n'),
        ({"cmd": "codeassist"}, "cmd must be a list of words"),
        ({"cmd": ["bin/codeassist", "serve"]}, "the first an absolute path or a name on PATH"),
        ({"venv": ".venv"}, "venv must be the absolute path of a virtual environment"),
        ({"display": "popup"}, 'display must be "auto", "native" or "ghost"'),
        ({"filetypes": {"python": 1}}, "filetypes must be true or false by filetype"),
        ({"settings": ["qwen"]}, "settings must be a table of sections"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_starts(bench: Bench, options: dict[str, object], message: str) -> None:
    editor = bench.edit("")
    editor.type("<Esc>")
    assert editor.lua("return require('codeassist').setup(...)", options) is False
    (notice,) = editor.notices()
    assert message in notice and ":help codeassist-setup" in notice


def test_settings_reach_the_server_at_its_start_and_when_they_change(own: Editor, file: Path) -> None:
    once(own)
    own.setup(settings={"editor": {"mode": "manual"}})
    own.open(file, "")
    (started,) = own.log("initialized")
    assert started["options"] == {"editor": {"mode": "manual"}}
    assert started["encodings"] == ["utf-16"]
    own.setup(settings={"editor": {"mode": "automatic"}})
    assert own.log("didChangeConfiguration")[-1]["settings"] == {"codeassist": {"editor": {"mode": "automatic"}}}
    own.setup()
    assert own.log("didChangeConfiguration")[-1]["settings"] == {"codeassist": {}}


def test_a_missing_program_is_said_once_with_what_to_do(own: Editor, file: Path) -> None:
    once(own)
    own.setup(cmd=["/no/such/codeassist", "serve"])
    file.write_text("")
    for name in ("a.py", "b.py", "c.py"):
        own.command(f"edit {file.with_name(name)}")
    (notice,) = own.notices()
    assert "/no/such/codeassist" in notice and "pip install" in notice and ":CodeAssist restart" in notice
    assert own.lua("return require('codeassist').status()") == ""


def test_a_missing_program_leaves_other_peoples_autocommands_alone(own: Editor, file: Path) -> None:
    """A message at the level of an error, inside an autocommand, is an error: those after it would not run."""
    once(own)
    own.lua("vim.notify = _G.notify")
    own.setup(cmd=["/no/such/codeassist", "serve"])
    own.command("autocmd FileType python let g:others = get(g:, 'others', 0) + 1")
    file.write_text("")
    own.command(f"edit {file}")
    assert own.lua("return vim.g.others") == 1 and own.lua("return vim.bo.filetype") == "python"
    own.wait_until(lambda: "/no/such/codeassist" in own.command("messages"), "it is said all the same")


def test_a_rule_of_the_users_own_decides_where_suggestions_are(own: Editor, file: Path) -> None:
    once(own)
    own.lua("_G.server, _G.asked = ..., {}", own.server)
    own.lua(
        """require("codeassist").setup({ cmd = _G.server, should_attach = function(bufnr, name)
          table.insert(_G.asked, { bufnr, vim.fs.basename(name) })
          return name:find("secret") == nil
        end })"""
    )
    own.command(f"edit {file.with_name('secret.py')}")
    assert own.lua("return _G.asked") == [[own.nvim.current.buffer.number, "secret.py"]]
    assert own.lua("return #vim.lsp.get_clients()") == 0
    own.open(file, "")
    own.lua('require("codeassist").setup({ cmd = _G.server, should_attach = function() error("mine") end })')
    for name in ("b.py", "c.py"):
        own.command(f"edit {file.with_name(name)}")
        assert not own.attached()
    (notice,) = own.notices()
    assert "should_attach failed" in notice and "mine" in notice
    assert own.setup(should_attach=3) is False


def test_the_program_is_found_on_path_or_in_the_environment_that_is_named(own: Editor, tmp_path: Path) -> None:
    once(own)
    program = tmp_path / "venv" / "bin" / "codeassist"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    find = "return { require('codeassist.program').find(require('codeassist.config').resolve(...)) }"
    own.lua("vim.env.PATH = ''")
    assert own.lua(find, {})[0] is None
    assert own.lua(find, {"venv": str(tmp_path / "venv")})[0] == [str(program), "serve"]
    own.lua("vim.env.PATH = ...", str(program.parent))
    assert own.lua(find, {})[0] == [str(program), "serve"]
    assert own.lua(find, {"shared": True})[0] == [str(program), "serve", "--shared"]


def test_no_program_of_the_folder_that_is_open_is_started(own: Editor, file: Path) -> None:
    """A repository brings a `codeassist`; PATH has relative entries, as a careless profile leaves them."""
    once(own)
    repository, mark = file.parent, own.folder / "started"
    for place in ("codeassist", "codeassist.exe", "bin/codeassist", ".venv/bin/codeassist"):
        planted = repository / place
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.write_text(f"#!/bin/sh\necho $0 >> '{mark}'\n")
        planted.chmod(0o755)
    own.nvim.chdir(str(repository))
    own.lua("vim.env.PATH = '.::bin:' vim.env.VIRTUAL_ENV = '.venv'")
    assert own.lua("return vim.fn.exepath('codeassist')") != "", "Neovim's own search would find it"
    for options in ({}, {"cmd": ["codeassist", "serve"]}, {"cmd": ["./codeassist"]}, {"venv": ".venv"}):
        own.lua("return require('codeassist').setup(...)", options)
        own.command(f"edit {repository / 'a.py'} | checkhealth codeassist")
        own.command("silent! %bwipeout!")
        assert own.notices() and not own.attached()
    assert not mark.exists()


def test_the_server_is_started_in_a_folder_of_the_plugins_own(own: Editor, file: Path) -> None:
    once(own)
    told = own.folder / "told"
    program = own.folder / "bin" / "codeassist"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\npwd >> '{told}'\nexec '{sys.executable}' '{SERVER}'\n")
    program.chmod(0o755)
    own.nvim.chdir(str(file.parent))
    own.server = [str(program), "serve"]
    own.setup()
    own.open(file, "")
    own.command("checkhealth codeassist")
    places = set(told.read_text().splitlines())
    assert places == {str(own.folder / "home" / "cache" / "nvim" / "codeassist")}
    assert len(told.read_text().splitlines()) == 2, "the server and what `:checkhealth` asks for its version"


def test_the_users_home_is_the_folder_where_none_can_be_made(own: Editor, file: Path) -> None:
    once(own)
    (own.folder / "home" / "cache").write_text("in the way")
    own.nvim.chdir(str(file.parent))
    assert own.lua("return require('codeassist.program').folder()") == str(Path.home())


def test_the_help_file_has_everything_that_there_is(own: Editor) -> None:
    once(own)
    copy = own.folder / "help"
    shutil.copytree(PLUGIN / "doc", copy / "doc")
    own.command(f"helptags {copy / 'doc'} | set runtimepath^={copy}")
    text = (PLUGIN / "doc" / "codeassist.txt").read_text()
    config = own.lua("return (require('codeassist.config').resolve({}))")
    options = {*config, "cmd", "venv"}
    for tag in (*(f"codeassist-{option}" for option in options - {"keys"}), "codeassist-keys"):
        own.command(f"help {tag}")
        assert f"*{tag}*" in own.nvim.current.line
    for subcommand in own.nvim.funcs.getcompletion("CodeAssist ", "cmdline"):
        own.command(f"help :CodeAssist-{subcommand}")
        assert f":CodeAssist {subcommand}" in own.nvim.current.line
    for key, value in config["keys"].items():
        assert re.search(rf"^    {key} +{re.escape(value)} ", text, re.MULTILINE), key
        assert f'{key} = "{value}"' in text
    for function in own.lua("return vim.tbl_keys(require('codeassist'))"):
        assert f"\n{function}(" in text, function
    sources = "".join(path.read_text() for path in PLUGIN.glob("lua/**/*.lua"))
    for name in set(re.findall(r'"(CodeAssist[A-Z]\w+)"', sources)):
        assert f"\n{name} " in text, name


# -- switches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["", "filetype", "buffer"])
def test_off_is_off_at_once_and_on_again(bench: Bench, scope: str) -> None:
    editor = bench.edit("", rule("x = ", "one"))
    editor.type("ix = ")
    editor.wait_ghost("one")
    editor.type(f"<Cmd>CodeAssist disable {scope}<CR>")
    assert editor.ghost() is None
    assert editor.lua("return require('codeassist').status()") == "codeassist: off"
    asked = editor.num_requests()
    editor.type("<C-u>x = ")
    assert (editor.num_requests(), editor.ghost()) == (asked, None)
    editor.type(f"<Cmd>CodeAssist toggle {scope}<CR>")
    editor.type("<C-u>x = ")
    editor.wait_ghost("one")
    assert editor.lua("return require('codeassist').status()") == "codeassist"


def test_off_for_one_filetype_or_buffer_is_on_elsewhere(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one"))
    editor.command("CodeAssist disable filetype")
    editor.type("ix = ")
    assert editor.num_requests() == 0
    editor.type("<Esc>")
    editor.open(bench.repository / "b.lua", "")
    editor.type("ix = ")
    editor.wait_ghost("one")
    editor.type("<Esc>")
    editor.command("CodeAssist enable filetype")
    editor.lua("vim.b.codeassist_enabled = false")
    editor.type("ccx = ")
    editor.ask_server("test.log")
    assert editor.ghost() is None


def test_a_filetype_that_is_off_is_never_sent_to_the_server(bench: Bench) -> None:
    editor = bench.editor
    editor.setup(filetypes={"markdown": False})
    bench.edit("")
    editor.command(f"edit {bench.repository / 'secret.md'}")
    assert editor.lua("return vim.bo.filetype") == "markdown"
    assert not editor.attached()
    editor.command("CodeAssist enable filetype")
    assert editor.attached()


def test_pause_and_resume_for_other_completion_menus(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one"))
    editor.type("ix = ")
    editor.wait_ghost("one")
    editor.lua("require('codeassist').pause()")
    assert editor.ghost() is None
    editor.lua("require('codeassist').resume()")
    editor.wait_ghost("one")


# -- commands --------------------------------------------------------------------------------------


def test_the_command_completes_its_words(bench: Bench) -> None:
    def complete(typed: str) -> list[str]:
        return bench.editor.nvim.funcs.getcompletion(typed, "cmdline")

    everything = [
        "disable",
        "edit",
        "edits",
        "enable",
        "explain",
        "log",
        "panel",
        "reindex",
        "restart",
        "status",
        "toggle",
    ]
    assert complete("CodeAssist ") == everything
    assert complete("CodeAssist re") == ["reindex", "restart"]
    assert complete("CodeAssist toggle ") == ["buffer", "filetype", "global"]
    assert complete("CodeAssist toggle b") == ["buffer"]
    assert complete("CodeAssist log ") == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("bogus", 'no subcommand "bogus"; there are disable, edit, edits, enable'),
        ("toggle window", "takes one of global, filetype, buffer"),
        ("log now", "takes no argument"),
    ],
)
def test_a_wrong_command_says_what_there_is(bench: Bench, command: str, message: str) -> None:
    bench.editor.command(f"CodeAssist {command}")
    assert message in bench.editor.notices()[0]


def test_status_is_a_page_of_what_the_server_says(bench: Bench) -> None:
    editor = bench.edit("")
    editor.command("CodeAssist status")
    editor.wait_until(lambda: "codeassist://status" in editor.nvim.current.buffer.name, "the page")
    said, page = editor.lines[:5], editor.lines[5:]
    assert said[0] == "# codeassist" and said[2:4] == ["here: on", f"display: {editor.variant.display}"]
    assert page == [
        *("", "## Model", "", "scripted on cpu, 2 threads.", "Note: a notice"),
        *("", "## Suggestions since the server started", ""),
        *(" 1,234  answered by the model", "     7  known already"),
        *("", "## How long they took", "", "   half in    95 % in"),
        *("    240 ms   1,020 ms  all of it", "    0.9 ms     2.0 ms  fitting it to the place"),
        *("", "## What was reused", "", "90 % of what stood in prompts did not have to be read again."),
        *("", "## Index", "", "/a b: 3 of 1,234,567 files, being brought up to date."),
        *("Problem: the disk is full", "/c: not looked at yet."),
        *(
            "",
            "## Server",
            "",
            "codeassist 1.2, process 4711.",
            "It has run for 4 minutes.",
            "It serves Neovim, Emacs.",
        ),
    ]


def test_explain_opens_a_page_and_q_closes_it(bench: Bench) -> None:
    editor = bench.edit("")
    editor.command("CodeAssist explain")
    editor.wait_until(lambda: editor.lines == ["# Why", "", "- because"], "the page")
    assert (editor.lua("return vim.bo.filetype"), editor.attached()) == ("markdown", False)
    editor.type("q")
    assert len(editor.nvim.windows) == 1


def test_reindex_and_log(bench: Bench) -> None:
    editor = bench.edit("")
    editor.command("CodeAssist reindex")
    assert len(editor.log("reindex")) == 1
    editor.command("CodeAssist log")
    assert editor.nvim.current.buffer.name.endswith("lsp.log")


def test_the_status_line_follows_the_server(bench: Bench) -> None:
    editor = bench.edit("")
    editor.lua("_G.events = 0")
    editor.command("autocmd User CodeAssistStatus lua _G.events = _G.events + 1")

    def tell(method: str, params: dict[str, object]) -> str:
        events = editor.lua("return _G.events")
        editor.ask_server("test.notify", method, params)
        editor.wait_until(lambda: editor.lua("return _G.events") > events, "an event")
        return editor.lua("return require('codeassist').status()")

    def progress(**value: object) -> str:
        return tell("$/progress", {"token": "t", "value": value})

    assert tell("didChangeStatus", {"busy": True, "message": "loading qwen", "kind": "Normal"}) == (
        "codeassist: loading qwen"
    )
    assert tell("didChangeStatus", {"busy": False, "message": "", "kind": "Normal"}) == "codeassist"
    assert tell("didChangeStatus", {"busy": False, "message": "no model", "kind": "Error"}) == "codeassist: no model"
    assert progress(kind="begin", title="Indexing", percentage=0) == "codeassist: Indexing 0%"
    assert progress(kind="report", percentage=40) == "codeassist: Indexing 40%"
    assert progress(kind="end") == "codeassist: no model"
    assert tell("didChangeStatus", {"busy": False, "message": "", "kind": "Normal"}) == "codeassist"
    reason = "on demand only in .env (editor.off_paths)"
    here = {
        "busy": False,
        "message": "",
        "kind": "Normal",
        "silent": {editor.lua("return vim.uri_from_bufnr(0)"): reason},
    }
    assert tell("didChangeStatus", here) == f"codeassist: {reason}"
    assert tell("didChangeStatus", {**here, "silent": {"file:///other": reason}}) == "codeassist"
    assert tell("didChangeStatus", {**here, "silent": {}}) == "codeassist"
    editor.command("autocmd! User CodeAssistStatus")


def test_the_status_line_hears_of_each_request(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one"))
    editor.lua("_G.seen = {}")
    editor.command("autocmd User CodeAssistStatus lua table.insert(_G.seen, require('codeassist').status())")
    editor.ask_server("test.hold")
    editor.type("ix = ")
    assert editor.lua("return _G.seen[#_G.seen]") == "codeassist …"
    editor.ask_server("test.release")
    editor.wait_ghost("one")
    assert editor.lua("return _G.seen[#_G.seen]") == "codeassist"
    editor.command("autocmd! User CodeAssistStatus")


def test_checkhealth_says_that_the_server_is_starting(own: Editor, file: Path) -> None:
    once(own)
    own.setup(cmd=["sleep", "60"])  # it never says what it can do
    file.write_text("")
    own.command(f"edit {file} | checkhealth codeassist")
    report = "\n".join(own.lines)
    assert "it is starting" in report and "no inline completion" not in report


def test_checkhealth_says_by_which_program_to_ask(bench: Bench) -> None:
    editor = bench.edit("")
    program = editor.lua("return require('codeassist.program').find(require('codeassist.config').get())[1]")
    lacking = {"busy": False, "message": "no model is installed", "kind": "Error"}
    editor.ask_server("test.notify", "didChangeStatus", lacking)
    editor.command("checkhealth codeassist")
    report = "\n".join(editor.lines)
    assert "ERROR no model is installed" in report and f"`{program} doctor` in a terminal says what to do" in report
    editor.command("bwipeout")
    editor.ask_server("test.notify", "didChangeStatus", {**lacking, "message": "", "kind": "Normal"})


def test_checkhealth_finds_keys_that_the_users_buffer_has_mapped(bench: Bench) -> None:
    editor = bench.edit("")
    editor.lua("vim.keymap.set('i', '<Tab>', 'x', { buffer = 0, desc = 'expand a snippet' })")
    editor.command("checkhealth codeassist")
    report = "\n".join(editor.lines)
    assert "accept: <Tab> is mapped in a.py: expand a snippet" in report and "OK accept: <Tab>" not in report
    editor.command("bwipeout")
    editor.lua("vim.keymap.del('i', '<Tab>', { buffer = 0 })")


def test_checkhealth_finds_nothing_wrong_and_names_lost_keys(bench: Bench) -> None:
    editor = bench.edit("")
    editor.command("inoremap <M-]> other")
    editor.command("checkhealth codeassist")
    report = "\n".join(editor.lines)
    assert "ERROR" not in report
    for line in ("OK Neovim 0.", "it runs, for 1 buffer(s)", "accept: <Tab>", "WARNING next: <M-]>"):
        assert line in report.replace("✅ ", "").replace("⚠️ ", ""), report
    editor.command("iunmap <M-]>")


# -- the server's life -----------------------------------------------------------------------------


def test_a_killed_server_is_reported_and_restart_brings_it_back(own: Editor, file: Path) -> None:
    once_for_each_display(own)
    own.setup()
    own.open(file, "")
    own.script(rule("x = ", "one"))
    own.type("ix = ")
    own.wait_ghost("one")
    own.ask_server("test.hold")
    own.type("y")
    os.kill(server_pid(own), signal.SIGKILL)
    own.wait_until(lambda: any("the server stopped" in notice for notice in own.notices()), "a message")
    (notice,) = [notice for notice in own.notices() if "the server stopped" in notice]
    assert "signal 9" in notice and ":CodeAssist restart" in notice
    assert own.ghost() is None
    assert own.lua("return require('codeassist').status()") == "codeassist: stopped"
    own.type("z<Tab>")  # an editor without its server is an editor
    assert own.lines[0].startswith("x = yz")
    own.type("<Esc>")
    own.command("CodeAssist restart")
    own.wait_until(own.attached, "the new server is attached")
    own.script(rule("x = ", "two"))
    own.type("ccx = ")
    own.wait_ghost("two")
    own.type("<Tab>")
    assert own.lines == ["x = two"]


def test_restart_replaces_a_running_server(bench: Bench) -> None:
    once_for_each_display(bench.editor)
    editor = bench.edit("", rule("x = ", "one"))
    before = server_pid(editor)
    editor.command("CodeAssist restart")
    editor.wait_until(lambda: not editor.attached(), "the old one has left")
    editor.wait_until(editor.attached, "the new one is attached")
    assert server_pid(editor) != before
    assert [notice for notice in editor.notices() if "stopped" in notice] == []
    editor.script(rule("x = ", "two"))
    editor.type("ix = ")
    editor.wait_ghost("two")


def test_each_root_is_a_folder_of_the_one_server_while_it_has_a_buffer(bench: Bench, tmp_path: Path) -> None:
    editor = bench.edit("")
    other = tmp_path / "other"
    other.mkdir()
    (other / ".codeassist.toml").write_text("")
    editor.open(other / "deep" / "b.py", "")
    assert editor.lua("return #vim.lsp.get_clients({ name = 'codeassist' })") == 1
    editor.command("bwipeout!")
    told = editor.log("didChangeWorkspaceFolders")
    assert [(entry["added"], entry["removed"]) for entry in told] == [([other.as_uri()], []), ([], [other.as_uri()])]


def test_two_windows_on_two_buffers(bench: Bench) -> None:
    editor = bench.edit("", rule("x = ", "one"), rule("y = ", "two"))
    editor.command(f"botright split {bench.repository / 'b.py'}")
    editor.wait_until(editor.attached, "attached")
    editor.type("iy = ")
    editor.wait_ghost("two")
    editor.type("<Esc><C-w>kix = ")
    editor.wait_ghost("one")
    editor.type("<Tab><Esc><C-w>j")
    assert editor.lines == ["y = "]
    assert editor.ghost() is None
    editor.type("A")
    editor.wait_ghost("two")


def test_another_server_on_the_buffer_does_not_disturb(bench: Bench) -> None:
    once_for_each_display(bench.editor)
    editor = bench.edit("é = 1\n", rule("x = ", "one"))
    command = [sys.executable, str(SERVER), "--name", "other", "--encoding", "utf-8", "--without-inline-completion"]
    editor.lua(
        """
        local command = ...
        vim.lsp.start({ name = "other", cmd = command, root_dir = vim.uv.cwd() }, { bufnr = 0 })""",
        command,
    )
    editor.wait_until(
        lambda: editor.lua("return #vim.lsp.get_clients({ bufnr = 0, method = 'workspace/executeCommand' }) == 2"),
        "both are attached",
    )
    editor.type("ox = ")
    editor.wait_ghost("one")
    editor.type("<M-Right>")
    assert editor.lines == ["é = 1", "x = one"]
    editor.lua("for _, c in ipairs(vim.lsp.get_clients({ name = 'other' })) do c:stop(true) end")
    editor.wait_until(lambda: editor.lua("return #vim.lsp.get_clients({ name = 'other' }) == 0"), "it has left")
    assert editor.attached()
    assert editor.notices() == []
