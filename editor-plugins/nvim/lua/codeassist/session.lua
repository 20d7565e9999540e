-- What one buffer is offered: asks the server, drops what no longer fits, keeps what is being typed along. READ FIRST.
--
-- What is shown always fits: every event first looks at the buffer as it is now. An answer counts only if it is the
-- newest request's and neither text nor cursor has moved since; all others are dropped.
local asking = require("codeassist.asking")
local cursors = require("codeassist.cursors")
local feedback = require("codeassist.feedback")
local requests = require("codeassist.request")
local suggestions = require("codeassist.suggestion")
local switch = require("codeassist.switch")

local M = {}

local INVOKED, AUTOMATIC = requests.INVOKED, requests.AUTOMATIC

---@class codeassist.Session
---@field bufnr integer
---@field client_id integer
---@field display codeassist.Display
---@field offered codeassist.Suggestion[]
---@field index integer of the one that is shown
---@field rest string what stood after the cursor in its line when they came
---@field last_row integer the cursor's line at the last look
---@field elsewhere boolean text outside the lines of the suggestion has changed
---@field visible codeassist.Suggestion|nil the one that is on the screen
---@field asking codeassist.Asking
---@field tick integer of the buffer at the last look
---@field place codeassist.Cursor the cursor at the last look
---@field paused boolean
local Session = {}
Session.__index = Session

---@type table<integer, codeassist.Session>
local sessions = {}

--- Say so to status lines and to whoever else listens.
---@param name string
---@param bufnr integer
local function announce(name, bufnr)
  vim.api.nvim_exec_autocmds("User", { pattern = name, modeline = false, data = { buf = bufnr } })
end

--- Whether a suggestion may stand in the buffer now: insert mode proper, and nobody else is completing or replaying.
---@return boolean
function Session:may_show()
  return vim.api.nvim_get_current_buf() == self.bufnr
    and vim.api.nvim_get_mode().mode == "i"
    and vim.fn.pumvisible() == 0
    and vim.fn.reg_recording() == ""
    and vim.fn.reg_executing() == ""
    and vim.bo[self.bufnr].buftype == ""
    and vim.bo[self.bufnr].modifiable
    and not self.paused
    and switch.state(self.bufnr)
    and self.display.ready(self.bufnr)
end

--- Take the suggestion away. A request in flight goes on.
function Session:clear()
  local was_visible = self.visible ~= nil
  if #self.offered > 0 then
    self.display.hide(self.bufnr)
  end
  self.offered, self.index, self.visible, self.elsewhere = {}, 0, nil, false
  if was_visible then
    announce("CodeAssistHidden", self.bufnr)
  end
end

--- Take the suggestion away and forget what was asked.
function Session:drop()
  self.asking:cancel()
  self:clear()
  self:look()
end

--- Remember text and cursor as they are now.
---@return codeassist.Cursor
function Session:look()
  self.tick = vim.api.nvim_buf_get_changedtick(self.bufnr)
  self.place = cursors.of(self.bufnr)
  return self.place
end

--- The suggestion that is shown and how much of it stands in the buffer; nil when none fits any more.
---@return codeassist.Suggestion|nil
---@return integer|nil consumed
function Session:current()
  local suggestion = self.offered[self.index]
  if not suggestion or self.elsewhere then
    return nil
  end
  local cursor = cursors.of(self.bufnr)
  if cursors.line(self.bufnr, cursor):sub(cursor.col + 1) ~= self.rest then
    return nil
  end
  local consumed = suggestions.consumed(suggestion, self.bufnr, cursor)
  if not consumed or (consumed == #suggestion.text and suggestion.tail == "") then
    return nil
  end
  return suggestion, consumed
end

--- The display has made the suggestion visible.
function Session:became_visible()
  local suggestion = self.offered[self.index]
  if suggestion and self.visible ~= suggestion then
    self.visible = suggestion
    feedback.shown(suggestion)
    announce("CodeAssistShown", self.bufnr)
  end
end

--- Draw what is left of the suggestion. Returns false, and takes it away, when it does not fit.
---@return boolean
function Session:draw()
  local suggestion, consumed = self:current()
  if not suggestion or not consumed then
    self:clear()
    return false
  end
  local cursor = self:look()
  self.last_row = cursor.row
  local shown = self.display.show({
    bufnr = self.bufnr,
    client_id = suggestion.client_id,
    cursor = cursor,
    text = suggestion.text:sub(consumed + 1),
    tail = suggestion.tail,
    command = suggestion.item.command,
    count = #self.offered > 1 and (" (%d/%d)"):format(self.index, #self.offered) or nil,
  })
  if shown then
    self:became_visible()
  end
  return true
end

---@param kind 1|2
---@param step integer
function Session:ask(kind, step)
  self:look()
  self.asking:ask(kind, step, function(request, found)
    if self:may_show() then
      self:offer(found, request)
    end
  end)
end

--- Hand over what is suggested at the cursor, once it is known: for menus that list it. Asks if nothing else has.
---@param listener codeassist.Listener
function Session:hear(listener)
  if self:current() then
    listener(self.offered)
  elseif self.asking:fits() then
    self.asking:listen(listener)
  else
    self:ask(AUTOMATIC, 0)
    if self.asking.pending then
      self.asking:listen(listener)
    else
      listener({})
    end
  end
end

--- Ask for all that can be suggested at the cursor, and show none of it here.
---@param answered fun(request: codeassist.Request, found: codeassist.Suggestion[])
---@return boolean sent
function Session:ask_all(answered)
  self:look()
  return self.asking:ask(INVOKED, 0, answered)
end

--- Show what came. Alternatives join the suggestion that is shown already; it stays if there are none.
---@param found codeassist.Suggestion[]
---@param request codeassist.Request
function Session:offer(found, request)
  local shown, consumed = self:current()
  local index = 1
  if shown and consumed and request.kind == INVOKED then
    local at = suggestions.join(found, shown, consumed)
    index = (at - 1 + request.step) % #found + 1
  end
  if #found == 0 then
    self:clear()
    if request.kind == INVOKED then
      vim.api.nvim_echo({ { "codeassist: no suggestion here" } }, false, {})
    end
    return
  end
  if #found == 1 and shown == found[1] then
    vim.api.nvim_echo({ { "codeassist: no other suggestion here" } }, false, {})
  end
  local cursor = request.cursor
  self.offered, self.index, self.elsewhere = found, index, false
  self.rest = cursors.line(self.bufnr, cursor):sub(cursor.col + 1)
  self:draw()
end

--- Text was typed, or changed by somebody else.
function Session:changed()
  if not self:may_show() then
    self:drop()
    return
  end
  if #self.offered > 0 and self:draw() then
    -- What was asked before this key is about another place.
    self.asking:cancel()
    return
  end
  self:ask_soon()
end

--- Ask, unless that has been done for the text and the cursor as they are: by a menu, say.
function Session:ask_soon()
  if not self.asking:fits() then
    self:ask(AUTOMATIC, 0)
  end
end

--- The cursor moved. With the text unchanged that is a walk away; else `changed` follows.
function Session:moved()
  local unchanged = vim.api.nvim_buf_get_changedtick(self.bufnr) == self.tick
  if unchanged and not vim.deep_equal(self.place, cursors.of(self.bufnr)) then
    self:drop()
  end
end

function Session:entered()
  if self:may_show() then
    self:ask_soon()
  end
end

--- The server can answer now. What it was asked while its model was being loaded came back empty.
function Session:server_ready()
  if #self.offered == 0 and not self.asking.pending and self:may_show() then
    self:ask(AUTOMATIC, 0)
  end
end

--- Go to the next (1) or previous (-1) alternative; ask for them first when there is only one, or none.
---@param step 1|-1
---@return boolean done false when suggestions are not possible here
function Session:choose(step)
  if not self:may_show() then
    return false
  end
  if #self.offered > 1 and self:current() then
    self.index = (self.index - 1 + step) % #self.offered + 1
    if not self:draw() then
      self:ask(INVOKED, 0)
    end
  else
    self:ask(INVOKED, step)
  end
  return true
end

--- Lines changed, whoever did it. Only notes it: the text may not be touched here.
---@param first integer
---@param last_old integer
---@param last_new integer
function Session:lines_changed(first, last_old, last_new)
  local suggestion = self.offered[self.index]
  if not suggestion then
    return
  end
  if first < suggestion.row or last_old > self.last_row + 1 then
    self.elsewhere = true
  end
  self.last_row = self.last_row + last_new - last_old
end

---@param bufnr integer
---@param client_id integer
---@param display codeassist.Display
---@return codeassist.Session
function M.start(bufnr, client_id, display)
  M.stop(bufnr)
  local session = setmetatable({
    bufnr = bufnr,
    client_id = client_id,
    asking = asking.new(bufnr, client_id),
    display = display,
    offered = {},
    index = 0,
    rest = "",
    last_row = 0,
    elsewhere = false,
    tick = vim.api.nvim_buf_get_changedtick(bufnr),
    place = { row = 0, col = 0 },
    paused = false,
  }, Session)
  sessions[bufnr] = session
  vim.api.nvim_buf_attach(bufnr, false, {
    on_lines = function(_, _, _, first, last_old, last_new)
      if sessions[bufnr] ~= session then
        return true
      end
      session:lines_changed(first, last_old, last_new)
    end,
    on_reload = function()
      session.elsewhere = true
    end,
  })
  return session
end

---@param bufnr integer
---@return codeassist.Session|nil
function M.get(bufnr)
  return sessions[bufnr]
end

---@return table<integer, codeassist.Session>
function M.all()
  return sessions
end

---@param bufnr integer
function M.stop(bufnr)
  local session = sessions[bufnr]
  if session then
    sessions[bufnr] = nil
    session.asking:forget()
    if vim.api.nvim_buf_is_valid(bufnr) then
      session:clear()
    end
  end
end

return M
