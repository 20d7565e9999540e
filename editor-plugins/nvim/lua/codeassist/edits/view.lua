-- Draws a next edit: what goes struck through, what comes beside or below it; far away a hint at the cursor.
local edits = require("codeassist.edits.edit")

local M = {}

M.NAMESPACE = vim.api.nvim_create_namespace("codeassist.edits")

function M.define_highlights()
  vim.api.nvim_set_hl(0, "CodeAssistEditOld", {
    default = true,
    strikethrough = true,
    fg = "#b3616b",
    ctermfg = 1,
  })
  vim.api.nvim_set_hl(0, "CodeAssistEditNew", { default = true, link = "DiffAdd" })
  vim.api.nvim_set_hl(0, "CodeAssistEditHint", { default = true, link = "MoreMsg" })
end

---@param bufnr integer
---@param row integer
---@param col integer
---@param options vim.api.keyset.set_extmark
local function mark(bufnr, row, col, options)
  vim.api.nvim_buf_set_extmark(bufnr, M.NAMESPACE, row, col, options)
end

---@param lines string[]
---@param tabstop integer
---@return {[1]: string, [2]: string}[][]
local function virtual(lines, tabstop)
  return vim.tbl_map(function(line)
    -- Virtual text shows a tab as one cell.
    local spaces = line:gsub("\t", (" "):rep(tabstop))
    return { { spaces == "" and " " or spaces, "CodeAssistEditNew" } }
  end, lines)
end

---@param bufnr integer
---@param row integer
---@param old string
---@param new string
local function draw_line(bufnr, row, old, new)
  local from, to = edits.differing(old, new)
  if from < #old - to then
    mark(bufnr, row, from, { end_row = row, end_col = #old - to, hl_group = "CodeAssistEditOld" })
  end
  local comes = new:sub(from + 1, #new - to):gsub("\t", " ")
  if comes ~= "" then
    mark(bufnr, row, #old - to, {
      virt_text = { { comes, "CodeAssistEditNew" } },
      virt_text_pos = "inline",
      right_gravity = false,
    })
  end
end

--- Draw the edit at its place; `key` takes it.
---@param edit codeassist.Edit
---@param bufnr integer
---@param key string|false
function M.draw(edit, bufnr, key)
  M.clear(bufnr)
  local last = edit.line + #edit.old - 1
  local count = vim.api.nvim_buf_line_count(bufnr)
  if #edit.old == #edit.new then
    for i, old in ipairs(edit.old) do
      if old ~= edit.new[i] then
        draw_line(bufnr, edit.line + i - 1, old, edit.new[i])
      end
    end
  else
    for row = edit.line, last do
      local text = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, true)[1]
      mark(bufnr, row, 0, { end_row = row, end_col = #text, hl_group = "CodeAssistEditOld" })
    end
    if #edit.new > 0 then
      local above = #edit.old == 0 and edit.line < count
      local row = above and edit.line or math.min(math.max(last, edit.line), count - 1)
      mark(bufnr, row, 0, {
        virt_lines = virtual(edit.new, vim.bo[bufnr].tabstop),
        virt_lines_above = above,
      })
    end
  end
  local row = math.min(math.max(last, edit.line), count - 1)
  local hint = key and ("  %s: take"):format(key:gsub("[<>]", "")) or "  next edit"
  local reason = edit.reason ~= "" and " · " .. edit.reason or ""
  mark(bufnr, row, 0, { virt_text = { { hint .. reason, "CodeAssistEditHint" } }, virt_text_pos = "eol" })
end

--- Say at the cursor's line that `key` goes to the edit.
---@param edit codeassist.Edit
---@param bufnr integer
---@param key string|false
function M.hint(edit, bufnr, key)
  M.clear(bufnr)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local name = key and key:gsub("[<>]", "") or "next edit"
  mark(bufnr, row, 0, {
    virt_text = { { ("  %s: go to line %d"):format(name, edit.line + 1), "CodeAssistEditHint" } },
    virt_text_pos = "eol",
  })
end

---@param bufnr integer
function M.clear(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, M.NAMESPACE, 0, -1)
  end
end

return M
