-- :checkhealth codeassist.
local M = {}

local health = vim.health

---@param command string[]
---@return string|nil version
local function version_of(command)
  local options = { text = true, timeout = 20000, cwd = require("codeassist.program").folder() }
  local ok, process = pcall(vim.system, { command[1], "--version" }, options)
  if not ok then
    return nil
  end
  local result = process:wait()
  return result.code == 0 and vim.trim(result.stdout) or nil
end

--- How the program is asked what is wrong, by the path that is used here: it need not be on PATH.
---@return string
local function doctor()
  local command = require("codeassist.program").find(require("codeassist.config").get())
  return ("`%s doctor` in a terminal"):format(command and command[1] or "codeassist")
end

local function check_neovim()
  health.start("Neovim")
  if vim.fn.has("nvim-0.10") == 0 then
    health.error("Neovim 0.10 or newer is needed")
    return
  end
  health.ok("Neovim " .. tostring(vim.version()))
  local name = require("codeassist.display").name()
  if name == "native" then
    health.ok("suggestions are shown by vim.lsp.inline_completion")
  else
    health.ok("suggestions are shown by extmarks of the plugin")
  end
end

local function check_program()
  health.start("The program")
  local program = require("codeassist.program")
  local command, tried = program.find(require("codeassist.config").get())
  if not command then
    health.error("not found: " .. table.concat(tried, ", "), vim.split(program.how_to_install(tried), "\n"))
    return
  end
  local version = version_of(command)
  if version then
    health.ok(("%s (%s)"):format(table.concat(command, " "), version))
  else
    health.error(("%s --version fails"):format(command[1]), "run it in a terminal: it says why")
  end
end

local function check_server()
  health.start("The server")
  local client = require("codeassist.client").get()
  local status = require("codeassist.status").server()
  if not client then
    if status.state == "stopped" then
      health.error(
        "it stopped by itself",
        { ":CodeAssist restart starts it again", ":CodeAssist log says why" }
      )
    else
      health.info("it is not running: it starts with the first file that has a filetype and a name")
    end
    return
  end
  if require("codeassist.client").is_starting() then
    health.info("it is starting: look again in a moment, or see :CodeAssist log")
    return
  end
  local buffers = vim.tbl_count(require("codeassist.session").all())
  health.ok(("it runs, for %d buffer(s); columns are counted in %s"):format(buffers, client.offset_encoding))
  for _, folder in ipairs(client.workspace_folders or {}) do
    health.info("folder " .. folder.name)
  end
  if not client.server_capabilities.inlineCompletionProvider then
    health.error("it offers no inline completion", "install the program of the same checkout as this plugin")
  end
  if status.message ~= "" then
    local report = status.kind == "Error" and health.error or status.kind == "Warning" and health.warn
    if report then
      report(status.message, { doctor() .. " says what to do" })
    else
      health.ok(status.message)
    end
  end
end

--- Mappings of the key in the buffers that have suggestions: `:checkhealth` is a buffer of its own.
---@param action string
---@return {buffer: string, what: string}[]
local function in_buffers(action)
  local found = {} ---@type {buffer: string, what: string}[]
  for bufnr in pairs(require("codeassist.session").all()) do
    local mapping = require("codeassist.keys").in_buffer(action, bufnr)
    if mapping then
      found[#found + 1] = {
        buffer = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ":t"),
        what = mapping.desc or (mapping.rhs ~= "" and mapping.rhs) or "a function",
      }
    end
  end
  return found
end

local function check_menus()
  health.start("Completion menus")
  local menus = require("codeassist.menus")
  local found = menus.found()
  if #found == 0 then
    health.ok("neither nvim-cmp nor blink.cmp is loaded")
  end
  for _, menu in ipairs(found) do
    health.ok(menu.name .. ": suggestions step aside while its menu is open")
    if menu.has_source then
      health.ok(menu.name .. " lists suggestions, too (source codeassist)")
    else
      health.info(menu.name .. " does not list them: |codeassist-menus| says how it can")
    end
  end
end

local function check_keys()
  health.start("Keys")
  local lost = require("codeassist.keys").lost()
  local keys = require("codeassist.config").get().keys
  for _, action in ipairs({ "accept", "accept_word", "accept_line", "next", "previous", "dismiss", "panel" }) do
    local key = keys[action]
    local elsewhere = key and in_buffers(action) or {}
    for _, other in ipairs(elsewhere) do
      health.warn(("%s: %s is mapped in %s: %s"):format(action, key, other.buffer, other.what), {
        "a mapping of one buffer goes before all others: give codeassist another key,",
        ("or call require('codeassist').%s() from that mapping: it returns false when nothing is shown"):format(
          action
        ),
      })
    end
    if not key then
      health.info(action .. " has no key")
    elseif #elsewhere > 0 then
      -- said above
    elseif lost[action] then
      health.warn(("%s: %s was mapped by somebody else after setup()"):format(action, key), {
        "call setup() later, choose another key,",
        ("or call require('codeassist').%s() from that mapping: it returns false when nothing is shown"):format(
          action
        ),
      })
    else
      health.ok(("%s: %s"):format(action, key))
    end
  end
end

function M.check()
  require("codeassist").ensure_setup()
  check_neovim()
  check_program()
  check_server()
  check_keys()
  check_menus()
  health.start("Model and index")
  health.info(doctor() .. " looks at hardware, model, index and settings")
end

return M
