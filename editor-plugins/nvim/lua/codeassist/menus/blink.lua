-- A source of blink.cmp: `providers = { codeassist = { name = "codeassist", module = "codeassist.menus.blink" } }`.
local items = require("codeassist.menus.items")

local Source = {}
Source.__index = Source

function Source:enabled()
  return items.available()
end

function Source:get_trigger_characters()
  return items.TRIGGER_CHARACTERS
end

---@param context table blink.cmp.Context
---@param callback fun(response: table)
---@return fun() cancel
function Source:get_completions(context, callback)
  local is_wanted = true
  items.ask(context.bufnr, "utf-8", function(found)
    if is_wanted then
      callback({ items = found, is_incomplete_forward = true, is_incomplete_backward = true })
    end
  end)
  return function()
    is_wanted = false
  end
end

---@param _ table blink.cmp.Context
---@param item table
---@param callback fun()
---@param insert fun() blink.cmp's own way to insert an item
function Source:execute(_, item, callback, insert)
  insert()
  items.accepted(item)
  callback()
end

local M = {}

---@return table source
function M.new()
  return setmetatable({}, Source)
end

return M
