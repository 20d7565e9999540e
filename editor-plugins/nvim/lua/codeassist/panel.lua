-- A window with all suggestions at the cursor; <CR> takes the one that the cursor is in.
local feedback = require("codeassist.feedback")
local sessions = require("codeassist.session")

local M = {}

local KEYS = "<CR> takes, ]] and [[ go on, q closes"

---@class codeassist.PanelEntry
---@field first integer 1-based; its heading's line
---@field suggestion codeassist.Suggestion

---@class codeassist.Panel
---@field bufnr integer what is listed in
---@field request codeassist.Request
---@field entries codeassist.PanelEntry[]
---@field was_inserting boolean

---@param panel codeassist.Panel
---@param line integer 1-based
---@return integer index of the entry that the line belongs to
local function entry_at(panel, line)
  local found = 1
  for index, entry in ipairs(panel.entries) do
    found = entry.first <= line and index or found
  end
  return found
end

--- Put the entry that the cursor is in into the text it was suggested for, if that is still what it was.
---@param panel codeassist.Panel
local function take(panel)
  local entry = panel.entries[entry_at(panel, vim.api.nvim_win_get_cursor(0)[1])]
  vim.cmd.close()
  local bufnr, request, suggestion = panel.request.bufnr, panel.request, entry.suggestion
  local window = vim.fn.bufwinid(bufnr)
  if window == -1 or vim.api.nvim_buf_get_changedtick(bufnr) ~= request.tick then
    vim.notify("codeassist: the text has changed since: ask again", vim.log.levels.WARN)
    return
  end
  vim.api.nvim_set_current_win(window)
  local lines = vim.split(suggestion.text, "\n", { plain = true })
  local row, last = suggestion.row, lines[#lines]
  local end_col = request.cursor.col + #suggestion.tail
  vim.api.nvim_buf_set_text(bufnr, row, suggestion.start_col, row, end_col, lines)
  local col = #lines == 1 and suggestion.start_col + #last or #last
  vim.api.nvim_win_set_cursor(window, { row + #lines, col })
  feedback.accepted(suggestion, bufnr)
  if panel.was_inserting then
    local after = vim.api.nvim_buf_get_lines(bufnr, row + #lines - 1, row + #lines, false)[1]:sub(col + 1)
    vim.cmd(after == "" and "startinsert!" or "startinsert")
  end
end

---@param panel codeassist.Panel
---@param step 1|-1
local function go(panel, step)
  local index = entry_at(panel, vim.api.nvim_win_get_cursor(0)[1]) + step
  local entry = panel.entries[math.min(math.max(index, 1), #panel.entries)]
  vim.api.nvim_win_set_cursor(0, { entry.first, 0 })
end

---@param panel codeassist.Panel
local function map(panel)
  local function key(lhs, action, description)
    vim.keymap.set("n", lhs, action, { buffer = panel.bufnr, nowait = true, desc = description })
  end
  key("<CR>", function()
    take(panel)
  end, "codeassist: take this suggestion")
  key("]]", function()
    go(panel, 1)
  end, "codeassist: next suggestion")
  key("[[", function()
    go(panel, -1)
  end, "codeassist: previous suggestion")
  key("q", "<Cmd>close<CR>", "close")
end

---@param request codeassist.Request
---@param found codeassist.Suggestion[]
local function list(request, found)
  local was_inserting = vim.api.nvim_get_mode().mode:sub(1, 1) == "i"
  if was_inserting then
    vim.cmd.stopinsert()
  end
  local bufnr = vim.api.nvim_create_buf(false, true)
  local panel = { bufnr = bufnr, request = request, entries = {}, was_inserting = was_inserting }
  local lines = {}
  for index, suggestion in ipairs(found) do
    panel.entries[index] = { first = #lines + 1, suggestion = suggestion }
    lines[#lines + 1] = ("── %d of %d · %s ──"):format(index, #found, KEYS)
    local line = vim.api.nvim_buf_get_lines(request.bufnr, suggestion.row, suggestion.row + 1, false)[1] or ""
    vim.list_extend(lines, vim.split(line:sub(1, suggestion.start_col) .. suggestion.text, "\n", { plain = true }))
    feedback.shown(suggestion)
  end
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].bufhidden = "wipe"
  vim.bo[bufnr].syntax = vim.bo[request.bufnr].syntax -- no filetype: nobody else's plugins are wanted here
  vim.cmd("botright split")
  vim.api.nvim_win_set_buf(0, bufnr)
  vim.api.nvim_win_set_height(0, math.min(#lines, math.floor(vim.o.lines / 2)))
  vim.api.nvim_buf_set_name(bufnr, ("codeassist://panel/%d"):format(bufnr))
  map(panel)
end

--- Ask for all suggestions at the cursor and list them. Returns false, and why, where none can be asked for.
---@return boolean asked
---@return string|nil why
function M.open()
  local session = sessions.get(vim.api.nvim_get_current_buf())
  if not session then
    return false, nil
  end
  local asked = session:ask_all(function(request, found)
    if #found == 0 then
      vim.api.nvim_echo({ { "codeassist: no suggestion here" } }, false, {})
    else
      list(request, found)
    end
  end)
  return asked, nil
end

return M
