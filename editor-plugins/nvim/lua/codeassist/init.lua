-- The plugin's public functions. Everything that a configuration or another plugin may call stands here.
local M = {}

local done = false

--- Read the options, map the keys, start the server for what is open. A wrong option is named in a message, and then
--- nothing is started.
---@param options table|nil see :help codeassist-setup
---@return boolean ok
function M.setup(options)
  local config = require("codeassist.config")
  local resolved, problems = config.resolve(options or {})
  if #problems > 0 then
    local lines = vim.list_extend({ "setup() cannot use its options:" }, problems)
    lines[#lines + 1] = ":help codeassist-setup has all of them"
    require("codeassist.notice").error(table.concat(lines, "\n  "))
    return false
  end
  config.use(resolved)
  require("codeassist.switch").configure(resolved.filetypes)
  require("codeassist.keys").map(resolved.keys)
  require("codeassist.ghost").define_highlights()
  require("codeassist.command").define()
  local client = require("codeassist.client")
  local group = vim.api.nvim_create_augroup("codeassist", { clear = true })
  local function on(events, react)
    vim.api.nvim_create_autocmd(events, { group = group, callback = react })
  end
  on({ "FileType", "BufWritePost" }, function(event)
    client.attach(event.buf)
  end)
  on("LspDetach", function(event)
    client.detached(event.buf, event.data.client_id)
  end)
  on("LspProgress", function(event)
    local running = client.get()
    if running and event.data.client_id == running.id then
      require("codeassist.status").progressed(event.data.params)
    end
  end)
  on("BufWipeout", function(event)
    require("codeassist.switch").forget(event.buf)
  end)
  on("ColorScheme", function()
    require("codeassist.ghost").define_highlights()
  end)
  require("codeassist.edits").follow(group)
  require("codeassist.menus").follow(group)
  if done then
    client.settings_changed()
  end
  done = true
  client.attach_all()
  return true
end

--- Set up with the defaults unless somebody has set up already.
function M.ensure_setup()
  if not done then
    M.setup()
  end
end

---@return codeassist.Session|nil
local function session()
  return require("codeassist.session").get(vim.api.nvim_get_current_buf())
end

--- Whether a suggestion is on the screen in the current buffer.
---@return boolean
function M.visible()
  return require("codeassist.accept").possible()
end

--- Accept the suggestion. As all three, it can be called in expression mappings too.
---@return boolean accepted false when nothing is shown
function M.accept()
  return require("codeassist.accept").feed("all")
end

--- Accept the suggestion's next word, or next words.
---@param count integer|nil one when nil
---@return boolean accepted
function M.accept_word(count)
  return require("codeassist.accept").feed("word", count)
end

--- Accept the suggestion's next line, or next lines.
---@param count integer|nil one when nil
---@return boolean accepted
function M.accept_line(count)
  return require("codeassist.accept").feed("line", count)
end

--- Show the next suggestion; ask for one when there is none.
---@return boolean done
function M.next()
  local here = session()
  return here ~= nil and here:choose(1)
end

--- Show the previous suggestion; ask for one when there is none.
---@return boolean done
function M.previous()
  local here = session()
  return here ~= nil and here:choose(-1)
end

--- Take the suggestion away until the next key.
---@return boolean dismissed
function M.dismiss()
  local here = session()
  local was_visible = M.visible()
  if here then
    here:drop()
  end
  return was_visible
end

--- Show nothing in a buffer until `resume`: for completion menus that are not Neovim's own.
---@param bufnr integer|nil the current buffer when nil
function M.pause(bufnr)
  local here = require("codeassist.session").get(bufnr or vim.api.nvim_get_current_buf())
  if here then
    here.paused = true
    here:drop()
  end
end

---@param bufnr integer|nil the current buffer when nil
function M.resume(bufnr)
  local here = require("codeassist.session").get(bufnr or vim.api.nvim_get_current_buf())
  if here and here.paused then
    here.paused = false
    here:entered()
  end
end

--- A short text for a status line; "" where codeassist has nothing to do.
---@param bufnr integer|nil the current buffer when nil
---@return string
function M.status(bufnr)
  return require("codeassist.status").text(bufnr)
end

return M
