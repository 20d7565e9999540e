-- The next edit that each buffer is offered: asked for after an edit, drawn, gone to, taken, turned down.
--
-- What is shown always fits: before each step the buffer is looked at as it is now. The cursor moves only when the user
-- presses the key at the hint that says where it goes.
local config = require("codeassist.config")
local edits = require("codeassist.edits.edit")
local places = require("codeassist.edits.places")
local rpc = require("codeassist.rpc")
local server = require("codeassist.edits.server")
local sessions = require("codeassist.session")
local switch = require("codeassist.switch")
local view = require("codeassist.edits.view")

local M = {}

---@class codeassist.Offer
---@field edit codeassist.Edit|nil
---@field is_far boolean whether only the hint is drawn
---@field tick integer of the buffer when it was offered
---@field pending {client: vim.lsp.Client, id: integer, tick: integer}|nil

---@type table<integer, codeassist.Offer> by buffer
local offers = {}

---@param bufnr integer
---@return codeassist.Offer
local function of(bufnr)
  offers[bufnr] = offers[bufnr] or { is_far = false, tick = -1 }
  return offers[bufnr]
end

---@param bufnr integer
---@return vim.lsp.Client|nil
local function client_of(bufnr)
  local session = sessions.get(bufnr)
  local client = session and vim.lsp.get_client_by_id(session.client_id)
  return client and not rpc.is_stopped(client) and client or nil
end

---@param bufnr integer
local function cancel(bufnr)
  local pending = of(bufnr).pending
  of(bufnr).pending = nil
  if pending then
    rpc.cancel(pending.client, pending.id)
  end
end

---@return string|false
local function key()
  local keys = config.get().keys
  return vim.api.nvim_get_mode().mode:sub(1, 1) == "i" and keys.accept or keys.edit
end

---@param line integer
---@return boolean
local function is_on_screen(line)
  return line + 1 >= vim.fn.line("w0") and line + 1 <= vim.fn.line("w$")
end

--- Take what is drawn away. What was asked stays asked.
---@param bufnr integer
function M.clear(bufnr)
  local offer = of(bufnr)
  offer.edit = nil
  view.clear(bufnr)
end

--- Take it away, and wait for no answer.
---@param bufnr integer
function M.drop(bufnr)
  cancel(bufnr)
  M.clear(bufnr)
end

--- Text has changed: what is offered for another text goes. Our own change may be heard of after the next question.
---@param bufnr integer
---@return boolean changed
function M.changed(bufnr)
  local offer, tick = of(bufnr), vim.api.nvim_buf_get_changedtick(bufnr)
  if (offer.pending and offer.pending.tick == tick) or (offer.edit and offer.tick == tick) then
    return false
  end
  M.drop(bufnr)
  return true
end

---@param bufnr integer
function M.forget(bufnr)
  offers[bufnr] = nil
end

--- The edit that the current buffer is offered, if it still fits.
---@return codeassist.Edit|nil
function M.current()
  local bufnr = vim.api.nvim_get_current_buf()
  local offer = offers[bufnr]
  if not offer or not offer.edit then
    return nil
  end
  if offer.tick ~= vim.api.nvim_buf_get_changedtick(bufnr) or not edits.fits(offer.edit, bufnr) then
    M.clear(bufnr)
    return nil
  end
  return offer.edit
end

--- Draw it where it is, or the hint where it is out of sight.
---@param bufnr integer
local function draw(bufnr)
  local offer = of(bufnr)
  if offer.edit then
    offer.is_far = not is_on_screen(offer.edit.line)
    local how = offer.is_far and view.hint or view.draw
    how(offer.edit, bufnr, key())
  end
end

--- Offer an edit in the current buffer. Returns false where it does not fit.
---@param edit codeassist.Edit
---@return boolean
function M.show(edit)
  local bufnr = vim.api.nvim_get_current_buf()
  if not edits.fits(edit, bufnr) then
    return false
  end
  local offer = of(bufnr)
  offer.edit, offer.tick = edit, vim.api.nvim_buf_get_changedtick(bufnr)
  draw(bufnr)
  server.shown(edit)
  return true
end

---@param bufnr integer
---@return boolean
local function may_ask(bufnr)
  return vim.api.nvim_get_current_buf() == bufnr
    and vim.bo[bufnr].buftype == ""
    and vim.bo[bufnr].modifiable
    and not vim.bo[bufnr].readonly
    and vim.fn.reg_recording() == ""
    and vim.fn.reg_executing() == ""
    and switch.state(bufnr)
end

--- Ask for the next edit in a buffer. `none` is called where there is none, with the reason.
---@param bufnr integer
---@param kind 1|2
---@param none fun(why: string|nil)|nil
function M.ask(bufnr, kind, none)
  M.drop(bufnr)
  local client = client_of(bufnr)
  if not client or not may_ask(bufnr) then
    return
  end
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  local mine = { client = client, id = -1, tick = tick }
  of(bufnr).pending = mine
  local id = server.ask(server.HERE, bufnr, client, kind, function(found, why)
    local offer = offers[bufnr]
    if not offer or offer.pending ~= mine then
      return
    end
    offer.pending = nil
    local unchanged = vim.api.nvim_buf_is_valid(bufnr) and vim.api.nvim_buf_get_changedtick(bufnr) == tick
    if not unchanged or not may_ask(bufnr) then
      return
    end
    if not (found[1] and M.show(found[1])) and none then
      none(why)
    end
  end)
  if id then
    mine.id = id
  else
    of(bufnr).pending = nil
  end
end

--- Go to the edit that is out of sight, or take the one in sight. Returns false when nothing is offered.
---@return boolean
function M.go_or_take()
  local bufnr, edit = vim.api.nvim_get_current_buf(), M.current()
  if not edit then
    return false
  end
  if of(bufnr).is_far and not is_on_screen(edit.line) then
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_cursor(0, { math.min(edit.line + 1, vim.api.nvim_buf_line_count(bufnr)), 0 })
    vim.cmd("normal! zv^")
    server.jumped(edit)
    draw(bufnr)
    return true
  end
  M.take(edit, bufnr)
  places.taken(edit)
  M.ask(bufnr, server.AUTOMATIC, function()
    places.count(bufnr)
  end)
  return true
end

--- Put an edit into a buffer that it fits, and tell the server.
---@param edit codeassist.Edit
---@param bufnr integer
function M.take(edit, bufnr)
  M.clear(bufnr)
  edits.begin_step(bufnr)
  edits.apply(edit, bufnr)
  edits.begin_step(bufnr)
  server.accepted(edit, bufnr)
end

--- Turn down what is offered: it does not come back.
---@return boolean dismissed
function M.dismiss()
  local edit = M.current()
  if not edit then
    return false
  end
  server.dismissed(edit)
  places.taken(edit)
  M.drop(vim.api.nvim_get_current_buf())
  return true
end

--- The window scrolled or the cursor moved: what was a hint may be in sight.
---@param bufnr integer
function M.moved(bufnr)
  if bufnr == vim.api.nvim_get_current_buf() and M.current() then
    draw(bufnr)
  end
end

return M
