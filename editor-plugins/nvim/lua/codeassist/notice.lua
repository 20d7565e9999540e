-- Messages to the user that may come up inside an autocommand. An error there, and a message at the level of an error is
-- one, ends the autocommands of everybody else: it comes when what runs now is done.
local M = {}

---@param message string
function M.error(message)
  vim.schedule(function()
    vim.notify("codeassist: " .. message, vim.log.levels.ERROR)
  end)
end

return M
