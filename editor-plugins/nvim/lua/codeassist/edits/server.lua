-- What is asked of the server about next edits, and what it is told became of them.
local edits = require("codeassist.edits.edit")
local rpc = require("codeassist.rpc")

local M = {}

M.HERE, M.EVERYWHERE = "textDocument/copilotInlineEdit", "codeassist/nextEdits"
M.INVOKED, M.AUTOMATIC = 1, 2

---@return table[]
local function diagnostics(bufnr)
  local found = vim.diagnostic.get(bufnr, { severity = vim.diagnostic.severity.ERROR })
  return vim.tbl_map(function(each)
    return { line = each.lnum, message = each.message }
  end, vim.list_slice(found, 1, 20))
end

---@param method string
---@param bufnr integer
---@param client vim.lsp.Client
---@param kind 1|2
---@param answered fun(found: codeassist.Edit[], why: string|nil)
---@return integer|nil request_id
function M.ask(method, bufnr, client, kind, answered)
  local params = {
    textDocument = {
      uri = vim.uri_from_bufnr(bufnr),
      version = vim.lsp.util.buf_versions[bufnr],
    },
    position = edits.position(bufnr, client.offset_encoding),
    context = { triggerKind = kind, diagnostics = diagnostics(bufnr) },
  }
  local _, id = rpc.request(client, method, params, function(err, result)
    local found = {} ---@type codeassist.Edit[]
    for _, item in ipairs(not err and type(result) == "table" and result.edits or {}) do
      found[#found + 1] = edits.of(item, client.id)
    end
    local why = not err and type(result) == "table" and result.whyNone or nil
    answered(found, type(why) == "string" and why or nil)
  end, bufnr)
  return id
end

---@param edit codeassist.Edit
---@return vim.lsp.Client|nil
local function client_of(edit)
  local client = vim.lsp.get_client_by_id(edit.client_id)
  return client and not rpc.is_stopped(client) and client or nil
end

---@param edit codeassist.Edit
---@param method string
local function notify(edit, method)
  local client = client_of(edit)
  if client then
    rpc.notify(client, method, { item = edit.item })
  end
end

---@param edit codeassist.Edit
---@param command string
---@param bufnr integer whose changes the server must have first
local function execute(edit, command, bufnr)
  local client, own = client_of(edit), edit.item.command
  if client and type(own) == "table" then
    local params = { command = command, arguments = own.arguments }
    rpc.request(client, "workspace/executeCommand", params, function() end, bufnr)
  end
end

---@param edit codeassist.Edit
function M.shown(edit)
  notify(edit, "textDocument/didShowInlineEdit")
end

---@param edit codeassist.Edit
function M.jumped(edit)
  notify(edit, "codeassist/didJumpToEdit")
end

---@param edit codeassist.Edit
---@param bufnr integer that it stands in now
function M.accepted(edit, bufnr)
  local own = edit.item.command
  if type(own) == "table" then
    execute(edit, own.command, bufnr)
  end
end

---@param edit codeassist.Edit
function M.dismissed(edit)
  execute(edit, "codeassist.dismissEdit", vim.api.nvim_get_current_buf())
end

return M
