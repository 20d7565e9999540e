-- Finds the program `codeassist`.
local M = {}

local WINDOWS = vim.fn.has("win32") == 1

--- What to do when there is no program.
---@param tried string[]
---@return string
function M.how_to_install(tried)
  return table.concat({
    ("no such program: %s. Install it into a virtual environment"):format(
      table.concat(tried, ", ")
    ),
    "(<checkout> is the folder that holds editor-plugins/):",
    "    python3 -m venv ~/.venvs/codeassist",
    "    ~/.venvs/codeassist/bin/pip install <checkout>",
    'and put it on PATH, or say where it is: require("codeassist").setup({ venv = "~/.venvs/codeassist" }).',
    "Then :CodeAssist restart.",
  }, "\n")
end

---@param venv string
---@return string
function M.in_venv(venv)
  return vim.fs.normalize(venv) .. (WINDOWS and "/Scripts/codeassist.exe" or "/bin/codeassist")
end

--- Whether a path says by itself where it is, whichever folder Neovim is in.
---@param path string
---@return boolean
function M.is_absolute(path)
  return path:find(WINDOWS and "^%a:[/\\]" or "^/") ~= nil or (WINDOWS and path:find("^[/\\][/\\]") ~= nil)
end

--- The program of this name on PATH. Relative entries, and the current folder, where Windows looks
--- first, are passed over: they would mean a folder of the repository that is open.
---@param name string
---@return string|nil
function M.on_path(name)
  local file = (WINDOWS and not name:lower():find("%.exe$")) and name .. ".exe" or name
  for _, folder in ipairs(vim.split(vim.env.PATH or "", WINDOWS and ";" or ":", { plain = true })) do
    local program = folder:gsub("[/\\]$", "") .. "/" .. file
    if M.is_absolute(folder) and vim.fn.executable(program) == 1 then
      return program
    end
  end
  return nil
end

--- An absolute path of a program that is there; nil for any other path.
---@param path string
---@return string|nil
local function at(path)
  return M.is_absolute(path) and vim.fn.executable(path) == 1 and path or nil
end

--- The folder that programs are started in: the plugin's own, or the user's home where it cannot be
--- made. Never the folder of a repository: no file there may change what a program finds.
---@return string
function M.folder()
  local own = vim.fs.normalize(vim.fn.stdpath("cache") --[[@as string]]) .. "/codeassist"
  local made = pcall(vim.fn.mkdir, own, "p")
  return made and vim.fn.isdirectory(own) == 1 and own or vim.uv.os_homedir() or "/"
end

--- The server's command line.
---@param config codeassist.Config
---@return string[]|nil command
---@return string[] tried the programs that were looked for, in order
function M.find(config)
  if config.cmd then
    local named = vim.fs.normalize(config.cmd[1])
    local program = named:find("[/\\]") and at(named) or M.on_path(named)
    return program and vim.list_extend({ program }, config.cmd, 2), { config.cmd[1] }
  end
  local venv, active = config.venv, vim.env.VIRTUAL_ENV
  local program = not venv and M.on_path("codeassist") or nil
  local tried = venv and {} or { "codeassist" }
  for _, environment in ipairs({ venv or active }) do
    tried[#tried + 1] = M.in_venv(environment)
    program = program or at(tried[#tried])
  end
  if not program then
    return nil, tried
  end
  return config.shared and { program, "serve", "--shared" } or { program, "serve" }, tried
end

return M
