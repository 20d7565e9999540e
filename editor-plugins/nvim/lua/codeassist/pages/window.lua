-- A page: text in a window of its own.
local M = {}

--- Show text in a window of its own; q closes it.
---@param name string
---@param text string
function M.open(name, text)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(text, "\n", { plain = true }))
  vim.bo[bufnr].filetype = "markdown"
  vim.bo[bufnr].bufhidden = "wipe"
  vim.bo[bufnr].modifiable = false
  vim.cmd("botright split")
  vim.api.nvim_win_set_buf(0, bufnr)
  vim.api.nvim_buf_set_name(bufnr, ("codeassist://%s/%d"):format(name, bufnr))
  vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = bufnr, desc = "close" })
end

return M
