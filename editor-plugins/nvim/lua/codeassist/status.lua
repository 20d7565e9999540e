-- What the server says about itself, and one short text of it for status lines.
local sessions = require("codeassist.session")
local switch = require("codeassist.switch")

local M = {}

---@class codeassist.ServerStatus
---@field state "none"|"running"|"stopped"
---@field kind string "Normal", "Warning", "Error" or "Inactive"
---@field busy boolean
---@field message string
---@field silent table<string, string> why nothing comes by itself in a document, by its URI
---@field progress string|nil of loading or indexing: "indexing 40%"

---@type codeassist.ServerStatus
local server = { state = "none", kind = "Normal", busy = false, message = "", silent = {} }
---@type table<any, string> titles of running progress by token
local titles = {}

--- Tell whoever shows the status that it may be another one.
function M.changed()
  vim.api.nvim_exec_autocmds("User", { pattern = "CodeAssistStatus", modeline = false })
  vim.cmd.redrawstatus()
end

---@param state "none"|"running"|"stopped"
function M.set_state(state)
  server = { state = state, kind = "Normal", busy = false, message = "", silent = {} }
  titles = {}
  M.changed()
end

--- The server's `didChangeStatus`.
---@param params any
function M.received(params)
  if type(params) ~= "table" then
    return
  end
  server.kind = type(params.kind) == "string" and params.kind or "Normal"
  server.busy = params.busy == true
  server.message = type(params.message) == "string" and params.message or ""
  server.silent = type(params.silent) == "table" and params.silent or {}
  M.changed()
end

--- One of the server's `$/progress`.
---@param params any
function M.progressed(params)
  local value = type(params) == "table" and params.value
  if type(value) ~= "table" then
    return
  end
  if value.kind == "end" then
    titles[params.token], server.progress = nil, nil
  else
    titles[params.token] = value.title or titles[params.token] or ""
    local share = value.percentage and (" %d%%"):format(value.percentage) or ""
    server.progress = titles[params.token] .. share
  end
  M.changed()
end

---@return codeassist.ServerStatus
function M.server()
  return server
end

--- Why nothing comes by itself in a buffer, as the server says; nil where it does.
---@param bufnr integer
---@return string|nil
function M.silent(bufnr)
  return server.silent[vim.uri_from_bufnr(bufnr)]
end

--- For status lines: "" where codeassist has nothing to do, else one short text.
---@param bufnr integer|nil the current buffer when nil
---@return string
function M.text(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  if server.state == "stopped" and switch.state(bufnr) and vim.bo[bufnr].buftype == "" then
    return "codeassist: stopped"
  end
  local session = sessions.get(bufnr)
  if not session then
    return ""
  end
  if not switch.state(bufnr) or session.paused then
    return "codeassist: off"
  end
  if server.progress then
    return "codeassist: " .. server.progress
  end
  local troubled = server.kind ~= "Normal"
  if (troubled or server.busy) and server.message ~= "" then
    return "codeassist: " .. server.message
  end
  local silent = M.silent(bufnr)
  if silent and not session.asking.pending then
    return "codeassist: " .. silent
  end
  if server.busy or session.asking.pending then
    return "codeassist …"
  end
  return "codeassist"
end

return M
