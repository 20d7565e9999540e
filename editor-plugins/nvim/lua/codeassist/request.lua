-- One question to the server for suggestions at a cursor: sent, cancelled, its answer placed in the buffer.
local columns = require("codeassist.columns")
local cursors = require("codeassist.cursors")
local rpc = require("codeassist.rpc")
local suggestions = require("codeassist.suggestion")

local M = {}

M.METHOD = "textDocument/inlineCompletion"
M.INVOKED, M.AUTOMATIC = 1, 2

---@class codeassist.Request
---@field id integer|nil once it is sent
---@field bufnr integer
---@field client vim.lsp.Client
---@field kind 1|2
---@field step integer how far to move among the alternatives that come
---@field tick integer
---@field cursor codeassist.Cursor
local Request = {}
Request.__index = Request

--- A request for the text and the cursor as they are now. Not sent yet.
---@param bufnr integer
---@param client vim.lsp.Client
---@param kind 1|2
---@param step integer
---@return codeassist.Request
function M.new(bufnr, client, kind, step)
  return setmetatable({
    bufnr = bufnr,
    client = client,
    kind = kind,
    step = step,
    tick = vim.api.nvim_buf_get_changedtick(bufnr),
    cursor = cursors.of(bufnr),
  }, Request)
end

---@param answered fun(err: table|nil, result: any)
---@return boolean sent
function Request:send(answered)
  local line = cursors.line(self.bufnr, self.cursor)
  local sent, id = rpc.request(self.client, M.METHOD, {
    textDocument = { uri = vim.uri_from_bufnr(self.bufnr) },
    position = {
      line = self.cursor.row,
      character = columns.from_byte(line, self.cursor.col, self.client.offset_encoding),
    },
    context = { triggerKind = self.kind },
  }, answered, self.bufnr)
  self.id = id
  return sent
end

function Request:cancel()
  if self.id then
    rpc.cancel(self.client, self.id)
  end
end

--- Whether text and cursor are still what was asked about.
---@return boolean
function Request:fits()
  return self.tick == vim.api.nvim_buf_get_changedtick(self.bufnr)
    and vim.deep_equal(self.cursor, cursors.of(self.bufnr))
end

--- The items of a result that can stand at the cursor, each text once.
---@param result any
---@return codeassist.Suggestion[]
function Request:suggestions(result)
  local found = {} ---@type codeassist.Suggestion[]
  local known = {} ---@type table<string, boolean>
  for _, item in ipairs(type(result) == "table" and (result.items or result) or {}) do
    local suggestion = suggestions.place(item, self.client, self.bufnr, self.cursor)
    local key = suggestion and suggestion.text .. "\0" .. suggestion.tail
    if suggestion and key and not known[key] then
      known[key] = true
      found[#found + 1] = suggestion
    end
  end
  return found
end

return M
