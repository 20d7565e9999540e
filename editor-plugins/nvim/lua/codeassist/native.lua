-- The display of Neovim 0.12: `vim.lsp.inline_completion`.
--
-- Neovim asks a client for items 200 ms after the last key, shows whatever comes back, and keeps showing it whatever is
-- typed. Here its requests end before the wire: the client's `request` hands Neovim's handler what the session shows at
-- that moment, and the same handler again whenever that changes. So what is on the screen is always what the session
-- holds, and `vim.lsp.inline_completion.get()` accepts it.
local columns = require("codeassist.columns")
local ghost = require("codeassist.ghost")

local M = {}

local METHOD = "textDocument/inlineCompletion"

---@type table<integer, lsp.Handler> by buffer: Neovim's handler, once it has asked
local handlers = {}
---@type table<integer, codeassist.View> by buffer: what is shown
local views = {}
---@type fun(bufnr: integer) called when a view that waited becomes visible
local on_visible = function() end

---@return boolean
function M.available()
  return vim.lsp.inline_completion ~= nil
end

--- Whether Neovim can draw a view: what goes on behind text that stays, as the rest of a word does, it would draw over
--- what follows. Then our own display draws it, and Neovim shows nothing.
---@param view codeassist.View
---@return boolean
local function drawable(view)
  return view.tail == "" or vim.endswith(view.text, view.tail) or not vim.startswith(view.text, view.tail)
end

---@param client_id integer
---@param bufnr integer
---@param view codeassist.View|nil
---@return boolean shown
local function push(client_id, bufnr, view)
  local handler = handlers[bufnr]
  local client = vim.lsp.get_client_by_id(client_id)
  if not handler or not client or not vim.api.nvim_buf_is_valid(bufnr) then
    return false
  end
  local items = {}
  if view and drawable(view) then
    local item = { insertText = view.text, command = view.command }
    if vim.endswith(view.text, view.tail) then
      -- The same text results, and Neovim draws it between what stands there instead of over it.
      item.insertText = view.text:sub(1, #view.text - #view.tail)
    else
      local cursor = view.cursor
      local line = vim.api.nvim_buf_get_lines(bufnr, cursor.row, cursor.row + 1, false)[1]
      local function position(byte_col)
        return { line = cursor.row, character = columns.from_byte(line, byte_col, client.offset_encoding) }
      end
      item.range = { start = position(cursor.col), ["end"] = position(cursor.col + #view.tail) }
    end
    items[1] = item
  end
  -- It fails where Neovim has dropped the buffer's state since, as after `enable(false)`.
  local ok = pcall(handler, nil, { items = items }, { method = METHOD, client_id = client_id, bufnr = bufnr })
  if not ok then
    handlers[bufnr] = nil
  end
  return ok
end

---@param handler any
---@return boolean
local function is_neovims(handler)
  return type(handler) == "function"
    and debug.getinfo(handler, "S").source:find("inline_completion%.lua$") ~= nil
end

--- Answer Neovim's own requests of this client from here on. Everybody else's still go to the server.
---@param client vim.lsp.Client
---@param visible fun(bufnr: integer)
function M.prepare(client, visible)
  on_visible = visible
  local send = client.request
  client.request = function(self, method, params, handler, ...)
    if method ~= METHOD or not is_neovims(handler) then
      return send(self, method, params, handler, ...)
    end
    local bufnr = vim.uri_to_bufnr(params.textDocument.uri)
    handlers[bufnr] = handler
    local view = views[bufnr]
    -- With several buffers Neovim asks for all of them wherever the cursor is: only one can be meant.
    if view and bufnr == vim.api.nvim_get_current_buf() and push(client.id, bufnr, view) then
      on_visible(bufnr)
    end
    return true, nil
  end
end

---@param bufnr integer
function M.attach(bufnr)
  vim.lsp.inline_completion.enable(true, { bufnr = bufnr })
end

---@param bufnr integer
function M.detach(bufnr)
  handlers[bufnr], views[bufnr] = nil, nil
end

---@param view codeassist.View
---@return boolean shown false until Neovim has asked for the first time
function M.show(view)
  views[view.bufnr] = view
  ghost.hide(view.bufnr)
  if not drawable(view) then
    push(view.client_id, view.bufnr, nil)
    return ghost.show(view)
  end
  ghost.show_count(view)
  return push(view.client_id, view.bufnr, view)
end

---@param bufnr integer
function M.hide(bufnr)
  local view = views[bufnr]
  views[bufnr] = nil
  ghost.hide(bufnr)
  if view then
    push(view.client_id, bufnr, nil)
  end
end

--- Whether Neovim would show anything in the buffer: somebody else may have switched it off there.
---@param bufnr integer
---@return boolean
function M.ready(bufnr)
  return vim.lsp.inline_completion.is_enabled({ bufnr = bufnr })
end

return M
