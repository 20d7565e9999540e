-- Suggestions as entries of a completion menu: LSP completion items that replace the word before the cursor.
local columns = require("codeassist.columns")
local cursors = require("codeassist.cursors")
local feedback = require("codeassist.feedback")
local sessions = require("codeassist.session")
local suggestions = require("codeassist.suggestion")
local switch = require("codeassist.switch")

local M = {}

local LABEL_CHARS = 60
-- What a suggestion often follows, beside letters.
M.TRIGGER_CHARACTERS = { ".", "(", "[", "{", "=", ",", ":", " ", '"', "'" }

---@type table<integer, codeassist.Suggestion> the last ones that were listed
local listed = {}
local number, MOST = 0, 64

---@param bufnr integer|nil the current buffer when nil
---@return boolean
function M.available(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  return sessions.get(bufnr) ~= nil and (switch.state(bufnr))
end

---@param text string
---@param filetype string
---@return table
local function documentation(text, filetype)
  local fence = "```"
  while text:find(fence, 1, true) do
    fence = fence .. "`"
  end
  return { kind = "markdown", value = ("%s%s\n%s\n%s"):format(fence, filetype, text, fence) }
end

---@param suggestion codeassist.Suggestion
---@param bufnr integer
---@param encoding codeassist.Encoding
---@return table|nil item nil where it fits no longer
local function item_of(suggestion, bufnr, encoding)
  local cursor = cursors.of(bufnr)
  local consumed = suggestions.consumed(suggestion, bufnr, cursor)
  if not consumed then
    return nil
  end
  local line = cursors.line(bufnr, cursor)
  local rest = suggestion.text:sub(consumed + 1)
  -- Its label is how its text begins: further lines repeat what stands before them.
  local word = vim.fn.matchstr(line:sub(1, cursor.col), rest:find("^%s") and [[\S*\s*$]] or [[\k*$]])
  local text = word .. rest
  local label = vim.trim(vim.fn.strcharpart(text:match("^[^\n]*"), 0, LABEL_CHARS))
  if label == "" then
    return nil
  end
  number = number + 1
  listed[number], listed[number - MOST] = suggestion, nil
  local function position(byte_col)
    return { line = cursor.row, character = columns.from_byte(line, byte_col, encoding) }
  end
  return {
    label = label,
    filterText = label,
    kind = vim.lsp.protocol.CompletionItemKind.Text,
    detail = "codeassist",
    documentation = label ~= text and documentation(text, vim.bo[bufnr].filetype) or nil,
    insertTextFormat = vim.lsp.protocol.InsertTextFormat.PlainText,
    insertTextMode = 1, -- as it is
    textEdit = {
      newText = text,
      range = { start = position(cursor.col - #word), ["end"] = position(cursor.col + #suggestion.tail) },
    },
    data = { codeassist = number },
  }
end

--- Hand over what is suggested at the cursor of a buffer, once it is known.
---@param bufnr integer
---@param encoding codeassist.Encoding of the items' columns
---@param done fun(items: table[])
function M.ask(bufnr, encoding, done)
  local session = sessions.get(bufnr)
  if not session then
    done({})
    return
  end
  session:hear(function(found)
    local items = {}
    for _, suggestion in ipairs(vim.api.nvim_buf_is_valid(bufnr) and found or {}) do
      items[#items + 1] = item_of(suggestion, bufnr, encoding)
    end
    done(items)
  end)
end

--- An item stands in the buffer now.
---@param item table
function M.accepted(item)
  local suggestion = listed[type(item.data) == "table" and item.data.codeassist or 0]
  if suggestion then
    feedback.accepted(suggestion, vim.api.nvim_get_current_buf())
  end
end

return M
