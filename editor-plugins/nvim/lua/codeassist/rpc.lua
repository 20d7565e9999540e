-- The calls of a vim.lsp.Client that are spelled differently in Neovim 0.10 and later.
local M = {}

-- From 0.11 on the functions of a client are methods; before, they were closures in its table.
local METHODS = vim.fn.has("nvim-0.11") == 1

---@param client vim.lsp.Client
---@param name string
local function call(client, name, ...)
  if METHODS then
    return client[name](client, ...)
  end
  return client[name](...)
end

---@param client vim.lsp.Client
---@param method string
---@param params table
---@param handler fun(err: table|nil, result: any)
---@param bufnr integer
---@return boolean sent
---@return integer|nil request_id
function M.request(client, method, params, handler, bufnr)
  return call(client, "request", method, params, handler, bufnr)
end

---@param client vim.lsp.Client
---@param method string
---@param params table
---@return boolean sent
function M.notify(client, method, params)
  return call(client, "notify", method, params)
end

---@param client vim.lsp.Client
---@param request_id integer
function M.cancel(client, request_id)
  -- A request that has been answered is no longer in the table; cancelling it would log an error.
  if client.requests[request_id] and not M.is_stopped(client) then
    call(client, "cancel_request", request_id)
  end
end

---@param client vim.lsp.Client
---@param force boolean
function M.stop(client, force)
  call(client, "stop", force)
end

---@param client vim.lsp.Client
---@return boolean
function M.is_stopped(client)
  return call(client, "is_stopped")
end

return M
