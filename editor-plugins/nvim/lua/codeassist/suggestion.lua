-- One item of the server placed in a buffer, and what of it is still to be typed.
local columns = require("codeassist.columns")

local M = {}

---@class codeassist.Suggestion
---@field item table the server's item, untouched: it is what feedback names
---@field client_id integer
---@field text string the item's text with "\n" as line end
---@field row integer 0-based; the line where the replaced text starts
---@field start_col integer the byte where it starts: at the cursor or before it
---@field tail string the text after the cursor that the item replaces
---@field least integer bytes of `text` that stood before the cursor when the answer came

---@class codeassist.Cursor
---@field row integer 0-based
---@field col integer bytes

---@param bufnr integer
---@param row integer
---@return string
local function line_at(bufnr, row)
  return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ""
end

--- Place an item at the cursor. Nil for one that cannot stand there: it has no text, lies elsewhere, or contradicts
--- what is already written.
---@param item table
---@param client vim.lsp.Client
---@param bufnr integer
---@param cursor codeassist.Cursor
---@return codeassist.Suggestion|nil
function M.place(item, client, bufnr, cursor)
  if type(item.insertText) ~= "string" or item.insertText == "" then
    return nil
  end
  local line = line_at(bufnr, cursor.row)
  local start_col, end_col = cursor.col, cursor.col
  local range = item.range
  if type(range) == "table" then
    if range.start.line ~= cursor.row or range["end"].line ~= cursor.row then
      return nil
    end
    start_col = columns.to_byte(line, range.start.character, client.offset_encoding)
    end_col = columns.to_byte(line, range["end"].character, client.offset_encoding)
    if start_col > cursor.col or end_col < cursor.col then
      return nil
    end
  end
  local text = item.insertText:gsub("\r\n", "\n")
  local written = line:sub(start_col + 1, cursor.col)
  local tail = line:sub(cursor.col + 1, end_col)
  if not vim.startswith(text, written) or text == written .. tail then
    return nil
  end
  return {
    item = item,
    client_id = client.id,
    text = text,
    row = cursor.row,
    start_col = start_col,
    tail = tail,
    least = #written,
  }
end

--- How many bytes of the suggestion stand before the cursor. Nil when what stands there is not its beginning.
---@param suggestion codeassist.Suggestion
---@param bufnr integer
---@param cursor codeassist.Cursor
---@return integer|nil
function M.consumed(suggestion, bufnr, cursor)
  local row, col = suggestion.row, suggestion.start_col
  if cursor.row < row or (cursor.row == row and cursor.col < col) or #line_at(bufnr, row) < col then
    return nil
  end
  local written = table.concat(vim.api.nvim_buf_get_text(bufnr, row, col, cursor.row, cursor.col, {}), "\n")
  if #written < suggestion.least or not vim.startswith(suggestion.text, written) then
    return nil
  end
  return #written
end

--- Put the suggestion that is shown among those that came, in the place of the first that says the same, else first.
---@param found codeassist.Suggestion[] changed
---@param shown codeassist.Suggestion
---@param consumed integer bytes of it that stand before the cursor
---@return integer at its place among them
function M.join(found, shown, consumed)
  local left = shown.text:sub(consumed + 1)
  local at = nil
  for i, suggestion in ipairs(found) do
    local same = suggestion.text:sub(suggestion.least + 1) == left and suggestion.tail == shown.tail
    at = at or (same and i) or nil
  end
  if not at then
    table.insert(found, 1, shown)
    at = 1
  end
  found[at] = shown
  return at
end

--- The length of the first `consumed` bytes of the text in UTF-16 units of the server's own text.
---@param suggestion codeassist.Suggestion
---@param consumed integer
---@return integer
function M.utf16_length(suggestion, consumed)
  local written = suggestion.text:sub(1, consumed)
  local units = columns.from_byte(written, #written, "utf-16")
  if suggestion.item.insertText:find("\r\n", 1, true) then
    local _, line_ends = written:gsub("\n", "")
    units = units + line_ends
  end
  return units
end

--- The next word of a text: leading white space, then keyword characters or a run of others.
---@param rest string
---@return string
function M.first_word(rest)
  local word = vim.fn.matchstr(rest, [[^\_s*\%(\k\+\|\%(\k\@!\S\)\+\)]])
  return word ~= "" and word or rest
end

--- The rest of the line; where that is empty, the line break and the next line.
---@param rest string
---@return string
function M.first_line(rest)
  local break_at = rest:find("\n", 2, true)
  return break_at and rest:sub(1, break_at - 1) or rest
end

return M
