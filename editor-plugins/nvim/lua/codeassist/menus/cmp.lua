-- The source "codeassist" of nvim-cmp: `sources = { { name = "codeassist" } }`.
local items = require("codeassist.menus.items")

local Source = {}
Source.__index = Source

function Source:is_available()
  return items.available()
end

function Source:get_debug_name()
  return "codeassist"
end

function Source:get_position_encoding_kind()
  return "utf-16"
end

function Source:get_trigger_characters()
  return items.TRIGGER_CHARACTERS
end

---@param params table cmp.SourceCompletionApiParams
---@param callback fun(response: table|nil)
function Source:complete(params, callback)
  items.ask(params.context.bufnr, "utf-16", function(found)
    callback({ items = found, isIncomplete = true })
  end)
end

---@param item table
---@param callback fun(item: table|nil)
function Source:execute(item, callback)
  items.accepted(item)
  callback(item)
end

local M = {}

---@return table source
function M.new()
  return setmetatable({}, Source)
end

return M
