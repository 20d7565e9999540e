-- Which events of Neovim a session hears.
local sessions = require("codeassist.session")

local M = {}

local GROUP = "codeassist.buffer"

---@param bufnr integer
---@param names string[]
---@param react fun(session: codeassist.Session)
local function on(bufnr, names, react)
  vim.api.nvim_create_autocmd(names, {
    group = vim.api.nvim_create_augroup(GROUP, { clear = false }),
    buffer = bufnr,
    callback = function()
      local session = sessions.get(bufnr)
      if session then
        react(session)
      end
    end,
  })
end

--- Later, when the mode has settled and if the session is still the same.
---@param session codeassist.Session
local function enter_soon(session)
  vim.schedule(function()
    if sessions.get(session.bufnr) == session then
      session:entered()
    end
  end)
end

---@param bufnr integer
function M.follow(bufnr)
  M.forget(bufnr)
  on(bufnr, { "InsertEnter", "CompleteDone" }, enter_soon)
  on(bufnr, { "TextChangedI" }, function(session)
    session:changed()
  end)
  on(bufnr, { "CursorMovedI" }, function(session)
    session:moved()
  end)
  on(
    bufnr,
    { "InsertLeave", "InsertChange", "TextChangedP", "CompleteChanged", "BufLeave", "WinLeave" },
    function(session)
      session:drop()
    end
  )
end

---@param bufnr integer
function M.forget(bufnr)
  local group = vim.api.nvim_create_augroup(GROUP, { clear = false })
  vim.api.nvim_clear_autocmds({ group = group, buffer = bufnr })
end

return M
