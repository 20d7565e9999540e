-- Tells the server what became of its items: shown, accepted in part, accepted.
local rpc = require("codeassist.rpc")
local suggestions = require("codeassist.suggestion")

local M = {}

---@type table<table, boolean> items that have been reported as shown; they go when nobody holds them
local reported = setmetatable({}, { __mode = "k" })

---@param suggestion codeassist.Suggestion
---@param method string
---@param params table
local function notify(suggestion, method, params)
  local client = vim.lsp.get_client_by_id(suggestion.client_id)
  if client and not rpc.is_stopped(client) then
    rpc.notify(client, method, params)
  end
end

--- Once per item, however often it is drawn again.
---@param suggestion codeassist.Suggestion
function M.shown(suggestion)
  if not reported[suggestion.item] then
    reported[suggestion.item] = true
    notify(suggestion, "textDocument/didShowCompletion", { item = suggestion.item })
  end
end

---@param suggestion codeassist.Suggestion
---@param consumed integer bytes of its text that stand in the buffer now
function M.partially_accepted(suggestion, consumed)
  notify(suggestion, "textDocument/didPartiallyAcceptCompletion", {
    item = suggestion.item,
    acceptedLength = suggestions.utf16_length(suggestion, consumed),
  })
end

---@param suggestion codeassist.Suggestion
---@param bufnr integer
function M.accepted(suggestion, bufnr)
  local command = suggestion.item.command
  local client = vim.lsp.get_client_by_id(suggestion.client_id)
  if type(command) ~= "table" or not client or rpc.is_stopped(client) then
    return
  end
  local params = { command = command.command, arguments = command.arguments }
  rpc.request(client, "workspace/executeCommand", params, function(err)
    if err then
      vim.lsp.log.error("codeassist", command.command, err)
    end
  end, bufnr)
end

return M
