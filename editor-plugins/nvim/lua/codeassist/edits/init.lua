-- The next edit in Neovim: which events and keys it has.
local offer = require("codeassist.edits.offer")
local places = require("codeassist.edits.places")
local server = require("codeassist.edits.server")
local sessions = require("codeassist.session")
local view = require("codeassist.edits.view")

local M = {}

--- Hear what goes on in all buffers that have a session.
---@param group integer
function M.follow(group)
  view.define_highlights()
  local function on(events, react)
    vim.api.nvim_create_autocmd(events, {
      group = group,
      callback = function(event)
        if sessions.get(event.buf) then
          react(event.buf)
        end
      end,
    })
  end
  on({ "InsertLeave", "TextChanged" }, function(bufnr)
    if offer.changed(bufnr) then
      offer.ask(bufnr, server.AUTOMATIC)
    end
  end)
  on({ "TextChangedI", "TextChangedP" }, offer.changed)
  on("BufLeave", offer.drop)
  on({ "CursorMoved", "CursorMovedI", "WinScrolled" }, offer.moved)
  on("BufEnter", function(bufnr)
    vim.schedule(function()
      if vim.api.nvim_get_current_buf() == bufnr then
        places.entered(bufnr)
      end
    end)
  end)
  vim.api.nvim_create_autocmd("BufWipeout", {
    group = group,
    callback = function(event)
      offer.forget(event.buf)
    end,
  })
  vim.api.nvim_create_autocmd("ColorScheme", { group = group, callback = view.define_highlights })
end

--- Whether a next edit, or the hint to one, is on the screen.
---@return boolean
function M.visible()
  return offer.current() ~= nil
end

M.go_or_take = offer.go_or_take
M.dismiss = offer.dismiss

--- Ask for the next edit here, and say why there is none.
function M.ask()
  offer.ask(vim.api.nvim_get_current_buf(), server.INVOKED, function(why)
    vim.api.nvim_echo({ { "codeassist: " .. (why or "no next edit") } }, false, {})
  end)
end

return M
