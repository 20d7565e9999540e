-- Puts a suggestion, or its next word or line, into the buffer.
local feedback = require("codeassist.feedback")
local sessions = require("codeassist.session")
local suggestions = require("codeassist.suggestion")

local M = {}

---@alias codeassist.Part "all"|"word"|"line"

--- Whether something is on the screen that could be accepted in the current buffer.
---@return boolean
function M.possible()
  local session = sessions.get(vim.api.nvim_get_current_buf())
  return session ~= nil and session.visible ~= nil and session:may_show() and session:current() ~= nil
end

---@param bufnr integer
---@param text string
---@param tail string replaced after the cursor
local function insert(bufnr, text, tail)
  local position = vim.api.nvim_win_get_cursor(0)
  local row, col = position[1] - 1, position[2]
  local lines = vim.split(text, "\n", { plain = true })
  vim.api.nvim_buf_set_text(bufnr, row, col, row, col + #tail, lines)
  local last_col = #lines == 1 and col + #text or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines, last_col })
end

--- The first words or lines of a text.
---@param left string
---@param part codeassist.Part
---@param count integer
---@return string
local function first(left, part, count)
  if part == "all" then
    return left
  end
  local next_part = part == "word" and suggestions.first_word or suggestions.first_line
  local taken = 0
  for _ = 1, count do
    taken = taken + #next_part(left:sub(taken + 1))
  end
  return left:sub(1, taken)
end

--- Insert a part of what is shown in the current buffer. Does nothing when nothing fits.
---@param part codeassist.Part
---@param count integer of words or lines
function M.insert(part, count)
  local bufnr = vim.api.nvim_get_current_buf()
  local session = sessions.get(bufnr)
  local suggestion, consumed
  if session and M.possible() then
    suggestion, consumed = session:current()
  end
  if not session or not suggestion or not consumed then
    return
  end
  local left = suggestion.text:sub(consumed + 1)
  local piece = first(left, part, count)
  if piece == left then
    session:drop()
    insert(bufnr, left, suggestion.tail)
    feedback.accepted(suggestion, bufnr)
  else
    session.asking:cancel()
    insert(bufnr, piece, "")
    feedback.partially_accepted(suggestion, consumed + #piece)
    session:draw()
  end
end

-- CTRL-G u on both sides: what was typed before, the suggestion, and what is typed after it are undone one by one.
local AROUND = "<C-g>u<Cmd>lua require('codeassist.accept').insert('%s', %d)<CR><C-g>u"

--- The keys that accept a part; for expression mappings.
---@param part codeassist.Part
---@return string
function M.keys(part)
  return AROUND:format(part, 1)
end

--- Accept a part of what is shown. Can be called from mappings, expression mappings included.
---@param part codeassist.Part
---@param count integer|nil of words or lines: one when nil
---@return boolean accepted false when nothing is shown
function M.feed(part, count)
  if not M.possible() then
    return false
  end
  local keys = vim.api.nvim_replace_termcodes(AROUND:format(part, math.max(count or 1, 1)), true, false, true)
  vim.api.nvim_feedkeys(keys, "in", false)
  return true
end

return M
