-- The keys of `setup`. Each does what it did before when there is nothing to do for us. Knows no suggestion.
local accept = require("codeassist.accept")

local M = {}

---@class codeassist.KeyAction
---@field description string
---@field possible fun(): boolean whether the key is ours now
---@field keys string what it then does

---@return codeassist.Session|nil
local function session()
  return require("codeassist.session").get(vim.api.nvim_get_current_buf())
end

---@return boolean
local function may_choose()
  local here = session()
  return here ~= nil and here:may_show()
end

---@type table<string, codeassist.KeyAction>
local ACTIONS = {
  accept = {
    description = "codeassist: accept the suggestion",
    possible = accept.possible,
    keys = accept.keys("all"),
  },
  accept_word = {
    description = "codeassist: accept the next word",
    possible = accept.possible,
    keys = accept.keys("word"),
  },
  accept_line = {
    description = "codeassist: accept the next line",
    possible = accept.possible,
    keys = accept.keys("line"),
  },
  next = {
    description = "codeassist: next suggestion, or ask for one",
    possible = may_choose,
    keys = "<Cmd>lua require('codeassist').next()<CR>",
  },
  previous = {
    description = "codeassist: previous suggestion, or ask for one",
    possible = may_choose,
    keys = "<Cmd>lua require('codeassist').previous()<CR>",
  },
  dismiss = {
    description = "codeassist: dismiss the suggestion",
    possible = accept.possible,
    keys = "<Cmd>lua require('codeassist').dismiss()<CR>",
  },
}

---@type table<string, string> by action: the key that it was given
local mapped = {}

--- What the key did before gets a name of its own, so that it can be called with everything that belongs to it.
---@param action string
---@param key string
---@return string
local function keep_former(action, key)
  local name = ("<Plug>(codeassist-former-%s)"):format(action)
  local former = vim.fn.maparg(key, "i", false, true)
  if vim.tbl_isempty(former) or former.buffer == 1 then
    vim.keymap.set("i", name, key, { desc = "the key itself" })
    return name
  end
  former.lhs = name
  former.lhsraw = vim.api.nvim_replace_termcodes(name, true, true, true)
  former.lhsrawalt = nil
  vim.fn.mapset("i", false, former)
  return name
end

--- Give the keys back.
function M.remove()
  for action, key in pairs(mapped) do
    local ours = vim.fn.maparg(key, "i", false, true)
    if ours.desc == ACTIONS[action].description then
      vim.keymap.del("i", key)
      local former = vim.fn.maparg(("<Plug>(codeassist-former-%s)"):format(action), "i", false, true)
      if former.desc ~= "the key itself" then
        former.lhs = key
        former.lhsraw = vim.api.nvim_replace_termcodes(key, true, true, true)
        former.lhsrawalt = nil
        vim.fn.mapset("i", false, former)
      end
    end
  end
  mapped = {}
end

---@param keys codeassist.Keys
function M.map(keys)
  M.remove()
  for action, spec in pairs(ACTIONS) do
    local key = keys[action]
    if key then
      local former = keep_former(action, key)
      vim.keymap.set("i", key, function()
        return spec.possible() and spec.keys or former
      end, { expr = true, remap = true, silent = true, desc = spec.description })
      mapped[action] = key
    end
  end
end

--- The keys that somebody else has mapped since, by action.
---@return table<string, string>
function M.lost()
  local lost = {}
  for action, key in pairs(mapped) do
    if vim.fn.maparg(key, "i", false, true).desc ~= ACTIONS[action].description then
      lost[action] = key
    end
  end
  return lost
end

return M
