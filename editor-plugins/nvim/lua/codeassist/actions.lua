-- What :CodeAssist does.
local client = require("codeassist.client")
local display = require("codeassist.display")
local page = require("codeassist.pages.window")
local sessions = require("codeassist.session")
local status = require("codeassist.status")
local switch = require("codeassist.switch")

local M = {}

---@param message string
local function say(message)
  vim.notify("codeassist: " .. message, vim.log.levels.INFO)
end

---@param message string
local function complain(message)
  vim.notify("codeassist: " .. message, vim.log.levels.ERROR)
end

local NOT_RUNNING = "no server runs (:CodeAssist restart starts one)"

---@param scope "global"|"filetype"|"buffer"
---@param bufnr integer
---@param on boolean
local function set(scope, bufnr, on)
  switch.set(scope, bufnr, on)
  if on then
    client.attach_all()
  end
  for attached, session in pairs(sessions.all()) do
    if not switch.state(attached) then
      session:drop()
    end
  end
  local where = ({
    global = "everywhere",
    filetype = "for " .. vim.bo[bufnr].filetype,
    buffer = "in this buffer",
  })[scope]
  local still_on, why = switch.state(bufnr)
  local but = on and not still_on and "; here it is still " .. why or ""
  say(("%s %s%s"):format(on and "on" or "off", where, but))
end

---@param scope "global"|"filetype"|"buffer"|nil
function M.enable(scope)
  set(scope or "global", vim.api.nvim_get_current_buf(), true)
end

---@param scope "global"|"filetype"|"buffer"|nil
function M.disable(scope)
  set(scope or "global", vim.api.nvim_get_current_buf(), false)
end

---@param scope "global"|"filetype"|"buffer"|nil
function M.toggle(scope)
  local bufnr = vim.api.nvim_get_current_buf()
  scope = scope or "global"
  set(scope, bufnr, not switch.scope_on(scope, bufnr))
end

--- A page and no message: it is longer than a screen, and a message of that length waits for a key.
function M.status()
  local bufnr = vim.api.nvim_get_current_buf()
  local on, why = switch.state(bufnr)
  local here = not on and why or sessions.get(bufnr) and (status.silent(bufnr) or "on") or "not attached"
  local server, running = status.server(), client.get()
  local command = running and running.config.cmd --[[@as string[] ]]
  local lines = {
    "# codeassist",
    "",
    "here: " .. here,
    "display: " .. display.name(),
    "server: " .. (command and table.concat(command, " ") or NOT_RUNNING),
  }
  if server.message ~= "" then
    lines[#lines + 1] = "says: " .. server.message
  end
  local sent = client.execute("codeassist.status", {}, function(err, result)
    if err then
      vim.list_extend(lines, { "", "status: " .. (err.message or "failed") })
    else
      vim.list_extend(lines, require("codeassist.pages.status").lines(result))
    end
    page.open("status", table.concat(lines, "\n"))
  end)
  if not sent then
    page.open("status", table.concat(lines, "\n"))
  end
end

--- Ask for the next edit here.
function M.edit()
  require("codeassist.edits").ask()
end

--- List the places in all files; `all` takes what is listed.
---@param how "all"|nil
function M.edits(how)
  local places = require("codeassist.edits.places")
  if how == "all" then
    places.take_all()
  else
    places.list()
  end
end

--- List all suggestions at the cursor.
function M.panel()
  local opened, why = require("codeassist.panel").open()
  if not opened then
    complain(why or NOT_RUNNING)
  end
end

function M.explain()
  local sent = client.execute("codeassist.explain", {}, function(err, result)
    if err then
      complain(err.message or "the last suggestion cannot be explained")
    elseif type(result) ~= "table" or type(result.markdown) ~= "string" then
      say("there is no suggestion to explain yet")
    else
      page.open("explain", result.markdown)
    end
  end)
  if not sent then
    complain(NOT_RUNNING)
  end
end

function M.reindex()
  local sent = client.execute("codeassist.reindex", {}, function(err)
    if err then
      complain(err.message or "indexing failed")
    end
  end)
  if sent then
    say("indexing anew")
  else
    complain(NOT_RUNNING)
  end
end

--- What the server wrote to stderr stands in Neovim's log of language servers.
function M.log()
  vim.cmd.split(vim.fn.fnameescape(vim.lsp.log.get_filename()))
  vim.bo.autoread = true
  vim.cmd("normal! G")
end

function M.restart()
  if client.restart() then
    say("starting the server")
  end
end

return M
