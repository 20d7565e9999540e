-- One next edit as the server sent it, and where it goes in a buffer. Positions are lines from 0.
local columns = require("codeassist.columns")

local M = {}

---@class codeassist.Edit
---@field item table what the server sent
---@field client_id integer
---@field uri string
---@field line integer where `old` begins
---@field old string[]
---@field new string[]
---@field reason string

---@param value any
---@return boolean
local function is_lines(value)
  return type(value) == "table" and vim.iter(value):all(function(line)
    return type(line) == "string" and not line:find("[\r\n]")
  end)
end

--- The edit of an item; nil for one that is none.
---@param item any
---@param client_id integer
---@return codeassist.Edit|nil
function M.of(item, client_id)
  local document = type(item) == "table" and item.textDocument
  if type(document) ~= "table" or type(document.uri) ~= "string" or type(item.line) ~= "number" then
    return nil
  end
  if not is_lines(item.old) or not is_lines(item.new) or type(item.range) ~= "table" then
    return nil
  end
  return {
    item = item,
    client_id = client_id,
    uri = document.uri,
    line = item.line,
    old = item.old,
    new = item.new,
    reason = type(item.reason) == "string" and item.reason or "",
  }
end

--- Whether the buffer may be changed, and still has the lines that the edit is for at their place.
---@param edit codeassist.Edit
---@param bufnr integer
---@return boolean
function M.fits(edit, bufnr)
  if not vim.api.nvim_buf_is_loaded(bufnr) or not vim.bo[bufnr].modifiable or vim.bo[bufnr].readonly then
    return false
  end
  local count = vim.api.nvim_buf_line_count(bufnr)
  local last = edit.line + #edit.old
  if last > count or edit.line > count then
    return false
  end
  return vim.deep_equal(vim.api.nvim_buf_get_lines(bufnr, edit.line, last, true), edit.old)
end

--- What is put into the buffer from here on, before the next key, is an undo step of its own.
---@param bufnr integer
function M.begin_step(bufnr)
  vim.api.nvim_buf_call(bufnr, function()
    vim.cmd("let &l:undolevels = &l:undolevels")
  end)
end

--- Put the edit into the buffer. The cursor stays on the text that it stands on.
---@param edit codeassist.Edit
---@param bufnr integer
function M.apply(edit, bufnr)
  if #edit.old == #edit.new then
    -- Line by line and only what differs, so that cursors and marks keep their places.
    for i, old in ipairs(edit.old) do
      local new = edit.new[i]
      if old ~= new then
        local from, to = M.differing(old, new)
        local row = edit.line + i - 1
        vim.api.nvim_buf_set_text(bufnr, row, from, row, #old - to, { new:sub(from + 1, #new - to) })
      end
    end
    return
  end
  vim.api.nvim_buf_set_lines(bufnr, edit.line, edit.line + #edit.old, true, edit.new)
end

--- How many bytes at the beginning and at the end of two lines are the same; characters are not cut.
---@param old string
---@param new string
---@return integer from
---@return integer to
function M.differing(old, new)
  local most = math.min(#old, #new)
  local from = 0
  while from < most and old:byte(from + 1) == new:byte(from + 1) do
    from = from + 1
  end
  while from > 0 and (M.inside(old, from) or M.inside(new, from)) do
    from = from - 1
  end
  local to = 0
  while to < most - from and old:byte(#old - to) == new:byte(#new - to) do
    to = to + 1
  end
  while to > 0 and (M.inside(old, #old - to) or M.inside(new, #new - to)) do
    to = to - 1
  end
  return from, to
end

--- Whether a byte offset stands within a character.
---@param text string
---@param byte integer
---@return boolean
function M.inside(text, byte)
  local code = text:byte(byte + 1)
  return code ~= nil and code >= 0x80 and code < 0xC0
end

--- The cursor's position as the protocol has it.
---@param bufnr integer
---@param encoding codeassist.Encoding
---@return {line: integer, character: integer}
function M.position(bufnr, encoding)
  local window = vim.fn.bufwinid(bufnr)
  local cursor = vim.api.nvim_win_get_cursor(window ~= -1 and window or 0)
  local row = math.min(cursor[1], vim.api.nvim_buf_line_count(bufnr)) - 1
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ""
  return { line = row, character = columns.from_byte(line, cursor[2], encoding) }
end

return M
