-- Finds the program `codeassist`. Knows no protocol.
local M = {}

local WINDOWS = vim.fn.has("win32") == 1

--- What to do when there is no program.
---@param tried string[]
---@return string
function M.how_to_install(tried)
  return table.concat({
    ("codeassist: no such program: %s. Install it into a virtual environment"):format(
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

--- The server's command line.
---@param config codeassist.Config
---@return string[]|nil command
---@return string[] tried the programs that were looked for, in order
function M.find(config)
  if config.cmd then
    local program = vim.fs.normalize(config.cmd[1])
    local command = vim.list_extend({ program }, config.cmd, 2)
    return vim.fn.executable(program) == 1 and command or nil, { config.cmd[1] }
  end
  local candidates = config.venv and { M.in_venv(config.venv) } or { "codeassist" }
  if not config.venv and vim.env.VIRTUAL_ENV then
    candidates[#candidates + 1] = M.in_venv(vim.env.VIRTUAL_ENV)
  end
  for _, program in ipairs(candidates) do
    if vim.fn.executable(program) == 1 then
      local command = { vim.fn.exepath(program), "serve" }
      return config.shared and vim.list_extend(command, { "--shared" }) or command, candidates
    end
  end
  return nil, candidates
end

return M
