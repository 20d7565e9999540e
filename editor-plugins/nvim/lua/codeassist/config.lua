-- The options of `setup`: defaults, and a message for every one that is wrong.
local M = {}

---@class codeassist.Keys
---@field accept string|false
---@field accept_word string|false
---@field accept_line string|false
---@field next string|false
---@field previous string|false
---@field dismiss string|false
---@field panel string|false
---@field edit string|false
---@field dismiss_edit string|false

---@class codeassist.Config
---@field cmd string[]|nil the whole command line of the server; found by itself when nil
---@field venv string|nil a virtual environment that has codeassist
---@field shared boolean whether one server serves all Neovims, and other editors that share it
---@field settings table<string, any> what the server is told: the sections of docs/settings.md
---@field filetypes table<string, boolean> by filetype; "*" is all others
---@field should_attach nil|fun(bufnr: integer, name: string): boolean whether a buffer may have suggestions
---@field keys codeassist.Keys
---@field display "auto"|"native"|"ghost"
---@field root_markers string[]

---@type codeassist.Config
local DEFAULTS = {
  cmd = nil,
  venv = nil,
  shared = false,
  settings = {},
  filetypes = {
    ["*"] = true,
    gitcommit = false,
    gitrebase = false,
    help = false,
    man = false,
    qf = false,
  },
  keys = {
    accept = "<Tab>",
    accept_word = "<M-Right>",
    accept_line = "<M-C-Right>",
    next = "<M-]>",
    previous = "<M-[>",
    dismiss = "<C-]>",
    panel = "<M-CR>",
    edit = "<Tab>",
    dismiss_edit = "<Esc>",
  },
  display = "auto",
  root_markers = { ".codeassist.toml", ".git", ".hg" },
}

---@type codeassist.Config
local current = DEFAULTS

local function is_string(value)
  return type(value) == "string" and value ~= ""
end

local function is_strings(value)
  if type(value) ~= "table" or not vim.islist(value) or #value == 0 then
    return false
  end
  return vim.iter(value):all(is_string)
end

--- A path says by itself where it is; a bare name is looked for on PATH.
local function is_path(value)
  return is_string(value) and require("codeassist.program").is_absolute(vim.fs.normalize(value))
end

local function is_command(value)
  return is_strings(value) and (is_path(value[1]) or not value[1]:find("[/\\]"))
end

local function is_section(value)
  return type(value) == "table" and (next(value) == nil or not vim.islist(value))
end

---@type table<string, {[1]: fun(value: any): boolean, [2]: string}> the check of each option, and what it wants
local WANTED = {
  cmd = {
    is_command,
    'a list of words, the first an absolute path or a name on PATH, like { "/path/to/codeassist", "serve" }',
  },
  venv = { is_path, "the absolute path of a virtual environment" },
  shared = {
    function(value)
      return type(value) == "boolean"
    end,
    "true or false",
  },
  settings = { is_section, 'a table of sections, like { model = { name = "qwen2.5-coder-0.5b" } }' },
  filetypes = {
    function(value)
      return is_section(value)
        and vim.iter(value):all(function(name, on)
          return is_string(name) and type(on) == "boolean"
        end)
    end,
    'true or false by filetype, like { markdown = false, ["*"] = true }',
  },
  should_attach = {
    vim.is_callable,
    "a function of the buffer's number and its file's name that returns true or false",
  },
  keys = { is_section, 'keys by action, like { accept = "<C-l>", dismiss = false }' },
  display = {
    function(value)
      return value == "auto" or value == "native" or value == "ghost"
    end,
    '"auto", "native" or "ghost"',
  },
  root_markers = { is_strings, 'a list of file names, like { ".git" }' },
}

--- How many letters have to be put in, taken out or changed (Levenshtein's distance).
---@param one string
---@param other string
---@return integer
local function distance(one, other)
  local row = {} ---@type integer[]
  for j = 0, #other do
    row[j] = j
  end
  for i = 1, #one do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #other do
      local change = diagonal + (one:byte(i) == other:byte(j) and 0 or 1)
      diagonal = row[j]
      row[j] = math.min(change, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#other]
end

--- " (did you mean …?)" with the name that is most like the typed one; "" where most of its letters differ.
---@param typed string
---@param names string[]
---@param before? string
---@return string
local function meant(typed, names, before)
  local best, least = nil, #typed / 2
  table.sort(names)
  for _, name in ipairs(names) do
    local far = distance(typed, name)
    if far < least then
      best, least = name, far
    end
  end
  return best and (" (did you mean %q?)"):format((before or "") .. best) or ""
end

---@param given table<string, any>
---@return codeassist.Config config the options that are right over the defaults
---@return string[] problems
function M.resolve(given)
  local config = vim.deepcopy(DEFAULTS)
  local problems = {} ---@type string[]
  for name, value in pairs(given) do
    local wanted = WANTED[name]
    if not wanted then
      problems[#problems + 1] = ("unknown option %q"):format(tostring(name))
        .. meant(tostring(name), vim.tbl_keys(WANTED))
    elseif not wanted[1](value) then
      problems[#problems + 1] = ("%s must be %s"):format(name, wanted[2])
    elseif name == "filetypes" then
      config.filetypes = vim.tbl_extend("force", config.filetypes, value)
    elseif name ~= "keys" then
      config[name] = vim.deepcopy(value)
    end
  end
  for action, key in pairs(is_section(given.keys) and given.keys or {}) do
    if DEFAULTS.keys[action] == nil then
      problems[#problems + 1] = ("unknown key %q"):format("keys." .. action)
        .. meant(tostring(action), vim.tbl_keys(DEFAULTS.keys), "keys.")
    elseif key ~= false and not is_string(key) then
      problems[#problems + 1] = ("keys.%s must be a key, or false for none"):format(action)
    else
      config.keys[action] = key
    end
  end
  table.sort(problems)
  return config, problems
end

---@param config codeassist.Config
function M.use(config)
  current = config
end

---@return codeassist.Config
function M.get()
  return current
end

return M
