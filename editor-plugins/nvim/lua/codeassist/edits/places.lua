-- The places in all files, as a quickfix list: each is looked at where it is, or all are taken at once.
local edits = require("codeassist.edits.edit")
local rpc = require("codeassist.rpc")
local server = require("codeassist.edits.server")
local sessions = require("codeassist.session")

local M = {}

local TITLE = "codeassist: next edits"

---@type codeassist.Edit[] those of the last list that are neither taken nor turned down
local listed = {}

---@param found codeassist.Edit[]
---@return string
local function summary(found)
  local files = {}
  for _, edit in ipairs(found) do
    files[edit.uri] = true
  end
  local num_files = vim.tbl_count(files)
  return ("%d more place%s in %d file%s"):format(
    #found,
    #found == 1 and "" or "s",
    num_files,
    num_files == 1 and "" or "s"
  )
end

---@param bufnr integer
---@param kind 1|2
---@param answered fun(found: codeassist.Edit[], why: string|nil)
local function ask(bufnr, kind, answered)
  local session = sessions.get(bufnr)
  local client = session and vim.lsp.get_client_by_id(session.client_id)
  if not client or rpc.is_stopped(client) then
    answered({}, "no server is attached here")
    return
  end
  server.ask(server.EVERYWHERE, bufnr, client, kind, answered)
end

---@param edit codeassist.Edit
---@return string
local function described(edit)
  local change = vim.trim(edit.new[1] or ("remove " .. (edit.old[1] or "")))
  return edit.reason ~= "" and ("%s  (%s)"):format(change, edit.reason) or change
end

---@param found codeassist.Edit[]
local function fill(found)
  listed = found
  local items = vim.tbl_map(function(edit)
    return { filename = vim.uri_to_fname(edit.uri), lnum = edit.line + 1, col = 1, text = described(edit) }
  end, found)
  vim.fn.setqflist({}, " ", { title = TITLE, items = items })
end

--- Ask for the places in all files and open them as a list.
function M.list()
  ask(vim.api.nvim_get_current_buf(), server.INVOKED, function(found, why)
    if #found == 0 then
      vim.notify("codeassist: " .. (why or "no next edit"), vim.log.levels.INFO)
      return
    end
    fill(found)
    vim.cmd("botright copen | wincmd p")
    M.entered(vim.api.nvim_get_current_buf())
  end)
end

--- Say how many places are left in other files, if any.
---@param bufnr integer
function M.count(bufnr)
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  ask(bufnr, server.AUTOMATIC, function(found)
    local same = vim.api.nvim_buf_is_valid(bufnr) and vim.api.nvim_buf_get_changedtick(bufnr) == tick
    if same and #found > 0 then
      vim.api.nvim_echo({ { ("codeassist: %s (:CodeAssist edits)"):format(summary(found)) } }, false, {})
    end
  end)
end

--- A buffer was entered: show the listed edit at the cursor, or else the first one there.
---@param bufnr integer
function M.entered(bufnr)
  local uri = vim.uri_from_bufnr(bufnr)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local best ---@type codeassist.Edit|nil
  for _, edit in ipairs(listed) do
    if edit.uri == uri and edits.fits(edit, bufnr) and (not best or edit.line == row) then
      best = edit
    end
  end
  if best then
    require("codeassist.edits.offer").show(best)
  end
end

--- An edit was taken or turned down: those behind it in the file move, and it is listed no more.
---@param done codeassist.Edit
function M.taken(done)
  local left = {} ---@type codeassist.Edit[]
  for _, edit in ipairs(listed) do
    if edit.item ~= done.item and not (edit.uri == done.uri and edit.line == done.line) then
      left[#left + 1] = edit
    end
  end
  listed = left
end

--- Take all that is listed and still fits; each file's are one undo step. Files are left unsaved.
function M.take_all()
  local by_uri = {} ---@type table<string, codeassist.Edit[]>
  for _, edit in ipairs(listed) do
    by_uri[edit.uri] = by_uri[edit.uri] or {}
    table.insert(by_uri[edit.uri], edit)
  end
  local num_taken, num_left = 0, 0
  for uri, found in pairs(by_uri) do
    local bufnr = vim.uri_to_bufnr(uri)
    vim.fn.bufload(bufnr)
    table.sort(found, function(a, b)
      return a.line > b.line -- from the bottom up: the ones above keep their lines
    end)
    edits.begin_step(bufnr)
    for _, edit in ipairs(found) do
      if edits.fits(edit, bufnr) then
        edits.apply(edit, bufnr)
        server.accepted(edit, bufnr)
        num_taken = num_taken + 1
      else
        num_left = num_left + 1
      end
    end
    vim.bo[bufnr].buflisted = true
  end
  listed = {}
  local but = num_left > 0 and ("; %d did not fit any more"):format(num_left) or ""
  vim.notify(("codeassist: took %d%s; undo is a step in each file, nothing is saved"):format(num_taken, but), vim.log.levels.INFO)
end

return M
