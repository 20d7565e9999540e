-- What a buffer has asked the server: one question at a time, the newest. Others may listen to its answer.
local requests = require("codeassist.request")
local rpc = require("codeassist.rpc")

local M = {}

---@alias codeassist.Listener fun(found: codeassist.Suggestion[])

---@class codeassist.Asking
---@field bufnr integer
---@field client_id integer
---@field pending codeassist.Request|nil
---@field private listeners codeassist.Listener[] to the answer of the pending request
local Asking = {}
Asking.__index = Asking

---@param bufnr integer
---@param client_id integer
---@return codeassist.Asking
function M.new(bufnr, client_id)
  return setmetatable({ bufnr = bufnr, client_id = client_id, pending = nil, listeners = {} }, Asking)
end

--- Status lines say whether something is being worked on.
---@param request codeassist.Request|nil
function Asking:become(request)
  local was_waiting = self.pending ~= nil
  self.pending = request
  if was_waiting ~= (request ~= nil) then
    require("codeassist.status").changed()
  end
end

---@param found codeassist.Suggestion[]
function Asking:tell(found)
  local listeners = self.listeners
  self.listeners = {}
  for _, listener in ipairs(listeners) do
    listener(found)
  end
end

--- Ask in the place of whatever was asked before. `answered` is called with what came and still fits, unless there was
--- an error or another question since.
---@param kind 1|2
---@param step integer
---@param answered fun(request: codeassist.Request, found: codeassist.Suggestion[])
---@return boolean sent
function Asking:ask(kind, step, answered)
  local former = self.pending
  if former then
    former:cancel()
  end
  self:tell({})
  local client = vim.lsp.get_client_by_id(self.client_id)
  local request = client and not rpc.is_stopped(client) and requests.new(self.bufnr, client, kind, step) or nil
  if not request then
    self:become(nil)
    return false
  end
  self:become(request)
  local sent = request:send(function(err, result)
    if self.pending ~= request then
      return
    end
    self:become(nil)
    if err then
      vim.lsp.log.error("codeassist", requests.METHOD, err)
    end
    local fits = not err and vim.api.nvim_buf_is_valid(self.bufnr) and request:fits()
    local found = fits and request:suggestions(result) or {}
    self:tell(found)
    if fits then
      answered(request, found)
    end
  end)
  if not sent then
    self:become(nil)
  end
  return sent
end

--- Whether a question about text and cursor as they are now is on its way.
---@return boolean
function Asking:fits()
  return self.pending ~= nil and self.pending:fits()
end

--- Hear the answer of the pending request; nothing comes if it is cancelled.
---@param listener codeassist.Listener
function Asking:listen(listener)
  table.insert(self.listeners, listener)
end

--- Wait no longer. A question that somebody listens to goes on as long as it fits.
function Asking:cancel()
  local pending = self.pending
  if not pending or (#self.listeners > 0 and self:fits()) then
    return
  end
  self:become(nil)
  pending:cancel()
  self:tell({})
end

--- The server is gone.
function Asking:forget()
  self.pending = nil
  self:tell({})
end

return M
