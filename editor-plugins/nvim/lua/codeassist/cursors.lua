-- Where the cursor of a buffer stands, and in what line.
local M = {}

--- In the current window if it shows the buffer; else where the cursor was when the buffer was last entered.
---@param bufnr integer
---@return codeassist.Cursor
function M.of(bufnr)
  local here = vim.api.nvim_get_current_buf() == bufnr
  local position = here and vim.api.nvim_win_get_cursor(0) or vim.api.nvim_buf_get_mark(bufnr, '"')
  return { row = math.max(position[1], 1) - 1, col = position[2] }
end

---@param bufnr integer
---@param cursor codeassist.Cursor
---@return string line
function M.line(bufnr, cursor)
  return vim.api.nvim_buf_get_lines(bufnr, cursor.row, cursor.row + 1, false)[1] or ""
end

return M
