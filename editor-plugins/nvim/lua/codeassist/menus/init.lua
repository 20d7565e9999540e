-- Completion menus that are not Neovim's own: suggestions step aside while one is open. Loads none of them.
local M = {}

---@class codeassist.Menu
---@field name string
---@field has_source boolean whether its configuration lists our source

---@type table|nil the nvim-cmp that has been told of us
local known_cmp = nil

local function open()
  require("codeassist").pause()
end

local function close()
  require("codeassist").resume()
end

--- nvim-cmp has no autocommands: it is told once it is there.
local function meet_cmp()
  local cmp = package.loaded["cmp"]
  if type(cmp) ~= "table" or cmp == known_cmp or type(cmp.event) ~= "table" then
    return
  end
  known_cmp = cmp
  cmp.event:on("menu_opened", open)
  cmp.event:on("menu_closed", close)
  cmp.register_source("codeassist", require("codeassist.menus.cmp").new())
end

---@param group integer
function M.follow(group)
  local function on(event, pattern, react)
    vim.api.nvim_create_autocmd(event, { group = group, pattern = pattern, callback = react })
  end
  on("User", "BlinkCmpMenuOpen", open)
  on("User", "BlinkCmpMenuClose", close)
  on({ "InsertEnter", "CmdlineEnter" }, "*", meet_cmp)
  meet_cmp()
end

--- The menus that are loaded; for `:checkhealth`.
---@return codeassist.Menu[]
function M.found()
  local found = {} ---@type codeassist.Menu[]
  local cmp, blink = package.loaded["cmp"], package.loaded["blink.cmp.config"]
  if type(cmp) == "table" and type(cmp.get_config) == "function" then
    local has_source = vim.iter(cmp.get_config().sources or {}):any(function(source)
      return source.name == "codeassist"
    end)
    found[#found + 1] = { name = "nvim-cmp", has_source = has_source }
  end
  if type(blink) == "table" then
    local providers = blink.sources and blink.sources.providers or {}
    found[#found + 1] = { name = "blink.cmp", has_source = providers.codeassist ~= nil }
  end
  return found
end

return M
