-- The keys of `setup`. Each does what it did before when there is nothing to do for us.
local accept = require("codeassist.accept")
local edits = require("codeassist.edits")

local M = {}

---@class codeassist.KeyAction
---@field description string
---@field possible fun(): boolean whether the key is ours now
---@field keys string|fun(): string what it then does
---@field mode string|nil insert mode when nil

---@return codeassist.Session|nil
local function session()
  return require("codeassist.session").get(vim.api.nvim_get_current_buf())
end

---@return boolean
local function may_choose()
  local here = session()
  return here ~= nil and here:may_show()
end

local GO_OR_TAKE = "<Cmd>lua require('codeassist.edits').go_or_take()<CR>"
local DISMISS_EDIT = "<Cmd>lua require('codeassist.edits').dismiss()<CR>"

---@type table<string, codeassist.KeyAction>
local ACTIONS = {
  accept = {
    description = "codeassist: accept the suggestion, or the next edit",
    possible = function()
      return accept.possible() or edits.visible()
    end,
    keys = function()
      return accept.possible() and accept.keys("all") or GO_OR_TAKE
    end,
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
  panel = {
    description = "codeassist: list all suggestions",
    possible = may_choose,
    keys = "<Cmd>lua require('codeassist.actions').panel()<CR>",
  },
  dismiss = {
    description = "codeassist: dismiss the suggestion, or the next edit",
    possible = function()
      return accept.possible() or edits.visible()
    end,
    keys = function()
      return accept.possible() and "<Cmd>lua require('codeassist').dismiss()<CR>" or DISMISS_EDIT
    end,
  },
  edit = {
    description = "codeassist: go to the next edit, or take it",
    possible = edits.visible,
    keys = GO_OR_TAKE,
    mode = "n",
  },
  dismiss_edit = {
    description = "codeassist: dismiss the next edit",
    possible = edits.visible,
    keys = DISMISS_EDIT,
    mode = "n",
  },
}

---@class codeassist.Mapped
---@field key string
---@field former table<string, any>|nil the mapping that the key had

---@type table<string, codeassist.Mapped> by action
local mapped = {}

---@param action string
---@return string
local function mode_of(action)
  return ACTIONS[action].mode or "i"
end

---@param key string
---@param action string
---@return table<string, any>
local function mapping_of(key, action)
  return vim.fn.maparg(key, mode_of(action), false, true)
end

--- What the key did before gets a name of its own, so that it can be called with everything that belongs to it.
---@param action string
---@param key string
---@param former table<string, any>|nil
---@return string name
local function name_former(action, key, former)
  local name = ("<Plug>(codeassist-former-%s)"):format(action)
  if former then
    local copy = vim.tbl_extend("force", former, { lhs = name })
    copy.lhsraw = vim.api.nvim_replace_termcodes(name, true, true, true)
    copy.lhsrawalt = nil
    vim.fn.mapset(mode_of(action), false, copy)
  else
    vim.keymap.set(mode_of(action), name, key)
  end
  return name
end

--- Give the keys back, those that are still ours.
function M.remove()
  for action, had in pairs(mapped) do
    if mapping_of(had.key, action).desc == ACTIONS[action].description then
      vim.keymap.del(mode_of(action), had.key)
      if had.former then
        vim.fn.mapset(mode_of(action), false, had.former)
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
      local former = mapping_of(key, action) ---@type table<string, any>|nil
      if vim.tbl_isempty(former) or former.buffer == 1 then
        former = nil
      end
      local fallback = name_former(action, key, former)
      vim.keymap.set(mode_of(action), key, function()
        if not spec.possible() then
          return fallback
        end
        local what = spec.keys
        return type(what) == "function" and what() or what --[[@as string]]
      end, { expr = true, remap = true, silent = true, desc = spec.description })
      mapped[action] = { key = key, former = former }
    end
  end
end

--- What somebody else has mapped an action's key to in one buffer; nil for nothing. What passes on what it does not do
--- itself, as blink.cmp does, is no such thing.
---@param action string
---@param bufnr integer
---@return table<string, any>|nil
function M.in_buffer(action, bufnr)
  local had = mapped[action]
  local raw = had and vim.api.nvim_replace_termcodes(had.key, true, true, true)
  for _, mapping in ipairs(had and vim.api.nvim_buf_get_keymap(bufnr, mode_of(action)) or {}) do
    local is_key = mapping.lhsraw == raw or mapping.lhsrawalt == raw
    if is_key and mapping.desc ~= "blink.cmp" then
      return mapping
    end
  end
  return nil
end

--- The keys that somebody else has mapped since, by action.
---@return table<string, string>
function M.lost()
  local lost = {}
  for action, had in pairs(mapped) do
    if mapping_of(had.key, action).desc ~= ACTIONS[action].description then
      lost[action] = had.key
    end
  end
  return lost
end

return M
