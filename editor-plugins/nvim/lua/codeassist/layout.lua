-- How a suggestion looks on the screen: which text goes where. Pure; knows no buffer and no extmark.
local M = {}

---@class codeassist.Frame
---@field text string what the suggestion would still insert at the cursor
---@field tail string the text after the cursor that it would replace
---@field after string what then stands in the line
---@field column integer screen column of the cursor in its line, from 0
---@field tabstop integer

---@class codeassist.Piece
---@field offset integer bytes from the cursor
---@field text string
---@field over boolean laid over what stands there; else pushed in between

---@class codeassist.Layout
---@field pieces codeassist.Piece[] in the cursor's line
---@field lines {[1]: string, [2]: string|nil}[] below it: the suggestion's text, and what the buffer has after it

--- Virtual text shows a tab as one cell: write the spaces that it would take.
---@param text string
---@param column integer where it starts
---@param tabstop integer
---@return string
local function expand_tabs(text, column, tabstop)
  if not text:find("\t", 1, true) then
    return text
  end
  local out = {}
  for part, tab in text:gmatch("([^\t]*)(\t?)") do
    out[#out + 1] = part
    column = column + vim.api.nvim_strwidth(part)
    if tab == "\t" then
      local width = tabstop - column % tabstop
      out[#out + 1] = (" "):rep(width)
      column = column + width
    end
  end
  return table.concat(out)
end

--- Where the characters of `tail` stand in `text`, in order: the pieces of `text` between them. Nil when they do not.
---@param text string
---@param tail string
---@return codeassist.Piece[]|nil
local function between(text, tail)
  if vim.endswith(text, tail) then
    return { { offset = 0, text = text:sub(1, #text - #tail), over = false } }
  end
  local pieces = {} ---@type codeassist.Piece[]
  local from, offset = 1, 0
  for _, start in ipairs(vim.str_utf_pos(tail)) do
    local char = tail:sub(start, start + vim.str_utf_end(tail, start))
    local at, stop = text:find(char, from, true)
    if not at then
      return nil
    end
    if at > from then
      pieces[#pieces + 1] = { offset = offset, text = text:sub(from, at - 1), over = false }
    end
    from, offset = stop + 1, offset + #char
  end
  if from <= #text then
    pieces[#pieces + 1] = { offset = offset, text = text:sub(from), over = false }
  end
  return pieces
end

--- Lay `text` over `hidden` so that nothing of it stays visible; what does not fit is pushed in after it.
---@param text string
---@param hidden string
---@param column integer
---@param tabstop integer
---@return codeassist.Piece[]
local function over(text, hidden, column, tabstop)
  local width = vim.api.nvim_strwidth(expand_tabs(hidden, column, tabstop))
  local head, used = "", 0
  for _, start in ipairs(vim.str_utf_pos(text)) do
    local char = text:sub(start, start + vim.str_utf_end(text, start))
    local char_width = vim.api.nvim_strwidth(char)
    if used + char_width > width then
      break
    end
    head, used = head .. char, used + char_width
  end
  local pieces = { { offset = 0, text = head .. (" "):rep(width - used), over = true } }
  if #head < #text then
    pieces[2] = { offset = #hidden, text = text:sub(#head + 1), over = false }
  end
  return pieces
end

---@param frame codeassist.Frame
---@return codeassist.Layout
function M.of(frame)
  local column, tabstop = frame.column, frame.tabstop
  local lines = vim.split(frame.text, "\n", { plain = true })
  local first = expand_tabs(lines[1], column, tabstop)
  if #lines == 1 then
    local pieces = frame.tail ~= "" and between(first, frame.tail)
      or (frame.tail == "" and { { offset = 0, text = first, over = false } })
      or over(first, frame.tail, column, tabstop)
    return { pieces = pieces, lines = {} }
  end
  -- What stands after the cursor moves to the end of the last line.
  local hidden = frame.tail .. frame.after
  local pieces = vim.trim(hidden) == "" and { { offset = 0, text = first, over = false } }
    or over(first, hidden, column, tabstop)
  local below = {}
  for i = 2, #lines do
    below[#below + 1] = { expand_tabs(lines[i], 0, tabstop) }
  end
  if vim.trim(frame.after) ~= "" then
    local last = below[#below]
    last[2] = expand_tabs(frame.after, vim.api.nvim_strwidth(last[1]), tabstop)
  end
  return { pieces = pieces, lines = below }
end

return M
