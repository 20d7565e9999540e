-- :CodeAssist and its completion. Knows names and arguments only; what they do stands in actions.lua.
local M = {}

local SCOPES = { "global", "filetype", "buffer" }

---@type table<string, string[]> the arguments of each subcommand
local SUBCOMMANDS = {
  enable = SCOPES,
  disable = SCOPES,
  toggle = SCOPES,
  status = {},
  edit = {},
  edits = { "all" },
  panel = {},
  explain = {},
  reindex = {},
  log = {},
  restart = {},
}

---@param names string[]
---@param typed string
---@return string[]
local function starting_with(names, typed)
  local found = vim.tbl_filter(function(name)
    return vim.startswith(name, typed)
  end, names)
  table.sort(found)
  return found
end

---@param typed string the argument that is being typed
---@param line string the command line up to the cursor
---@return string[]
function M.complete(typed, line)
  local words = vim.split(vim.trim(line:gsub("^.-CodeAssist!?%s*", "", 1)), "%s+", { trimempty = true })
  if typed ~= "" then
    table.remove(words)
  end
  if #words == 0 then
    return starting_with(vim.tbl_keys(SUBCOMMANDS), typed)
  end
  if #words == 1 then
    return starting_with(SUBCOMMANDS[words[1]] or {}, typed)
  end
  return {}
end

---@param words string[]
function M.run(words)
  local name, argument = words[1], words[2]
  local arguments = SUBCOMMANDS[name]
  if not arguments then
    local known = starting_with(vim.tbl_keys(SUBCOMMANDS), "")
    vim.notify(
      ("codeassist: no subcommand %q; there are %s"):format(name, table.concat(known, ", ")),
      vim.log.levels.ERROR
    )
    return
  end
  if #words > 2 or (argument and not vim.tbl_contains(arguments, argument)) then
    local usage = #arguments == 0 and "takes no argument" or "takes one of " .. table.concat(arguments, ", ")
    vim.notify(("codeassist: :CodeAssist %s %s"):format(name, usage), vim.log.levels.ERROR)
    return
  end
  require("codeassist").ensure_setup()
  require("codeassist.actions")[name](argument)
end

--- Define :CodeAssist, once.
function M.define()
  vim.api.nvim_create_user_command("CodeAssist", function(options)
    M.run(options.fargs)
  end, {
    nargs = "+",
    desc = "codeassist: code completion from a model on this machine",
    complete = function(typed, line, position)
      return M.complete(typed, line:sub(1, position))
    end,
  })
end

return M
