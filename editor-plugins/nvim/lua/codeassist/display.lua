-- Which display is used: Neovim's own where there is one, else ours.
local config = require("codeassist.config")
local ghost = require("codeassist.ghost")
local native = require("codeassist.native")

local M = {}

---@class codeassist.View what a display shows
---@field bufnr integer
---@field client_id integer
---@field cursor codeassist.Cursor
---@field text string to insert at the cursor
---@field tail string the text after the cursor that goes
---@field command table|nil the item's command
---@field count string|nil "(2/3)"

---@class codeassist.Display
---@field show fun(view: codeassist.View): boolean
---@field hide fun(bufnr: integer)
---@field ready fun(bufnr: integer): boolean

---@return "native"|"ghost"
function M.name()
  local wanted = config.get().display
  if wanted == "ghost" or not native.available() then
    return "ghost"
  end
  return "native"
end

---@param client vim.lsp.Client
---@param visible fun(bufnr: integer) called when a suggestion that waited for its display becomes visible
function M.prepare(client, visible)
  if M.name() == "native" then
    native.prepare(client, visible)
  end
end

---@param bufnr integer
---@return codeassist.Display
function M.attach(bufnr)
  if M.name() == "native" then
    native.attach(bufnr)
    return native
  end
  return ghost
end

---@param bufnr integer
function M.detach(bufnr)
  native.detach(bufnr)
end

return M
