-- Our own display: ghost text by extmarks. Knows how text is drawn, not where it comes from or whether it still fits.
local layout = require("codeassist.layout")

local M = {}

M.NAMESPACE = vim.api.nvim_create_namespace("codeassist.ghost")

-- Without 'termguicolors': grey, which reads on light and dark, or cyan where there are no 256 colours.
local GREY, CYAN = 244, 6

--- Some colour schemes, Neovim's own too, give a group a look with 'termguicolors' only: in other terminals what is
--- suggested would look as if it had been typed. Returns what the group is to be there, nil where it has a look.
---@param group string
---@return vim.api.keyset.highlight|nil
local function with_terminal_look(group)
  local look = vim.api.nvim_get_hl(0, { name = group, link = false })
  if look.ctermfg or look.ctermbg or next(look.cterm or {}) then
    return nil
  end
  local colours = tonumber(vim.fn.eval("&t_Co")) or 256
  local set = vim.tbl_extend("force", look, { ctermfg = colours >= 256 and GREY or CYAN })
  return set --[[@as vim.api.keyset.highlight]]
end

--- The groups that colour schemes know from 0.12 on stand for ours; older ones have NonText.
function M.define_highlights()
  local has_own = vim.fn.hlexists("ComplHint") == 1
  local group = has_own and "ComplHint" or "NonText"
  local look = with_terminal_look(group)
  if has_own and look then
    vim.api.nvim_set_hl(0, group, look) -- Neovim draws with it itself
    look = nil
  end
  vim.api.nvim_set_hl(0, "CodeAssistGhost", vim.tbl_extend("force", { default = true }, look or { link = group }))
  vim.api.nvim_set_hl(
    0,
    "CodeAssistCount",
    { default = true, link = has_own and "ComplHintMore" or "MoreMsg" }
  )
end

---@param view codeassist.View
---@return boolean shown
function M.show(view)
  M.hide(view.bufnr)
  local cursor = view.cursor
  local line = vim.api.nvim_buf_get_lines(view.bufnr, cursor.row, cursor.row + 1, false)[1]
  local shape = layout.of({
    text = view.text,
    tail = view.tail,
    after = line:sub(cursor.col + #view.tail + 1),
    column = vim.fn.strdisplaywidth(line:sub(1, cursor.col)),
    tabstop = vim.bo[view.bufnr].tabstop,
  })
  for _, piece in ipairs(shape.pieces) do
    if piece.text ~= "" then
      vim.api.nvim_buf_set_extmark(view.bufnr, M.NAMESPACE, cursor.row, cursor.col + piece.offset, {
        virt_text = { { piece.text, "CodeAssistGhost" } },
        virt_text_pos = piece.over and "overlay" or "inline",
        hl_mode = piece.over and "replace" or "combine",
      })
    end
  end
  if #shape.lines > 0 then
    local virt_lines = vim.tbl_map(function(parts)
      return { { parts[1], "CodeAssistGhost" }, parts[2] and { parts[2], "Normal" } or nil }
    end, shape.lines)
    vim.api.nvim_buf_set_extmark(view.bufnr, M.NAMESPACE, cursor.row, cursor.col, { virt_lines = virt_lines })
  end
  M.show_count(view)
  return true
end

--- "(2/3)" at the end of the line, when there is a choice.
---@param view codeassist.View
function M.show_count(view)
  if view.count then
    vim.api.nvim_buf_set_extmark(view.bufnr, M.NAMESPACE, view.cursor.row, 0, {
      virt_text = { { view.count, "CodeAssistCount" } },
      virt_text_pos = "eol",
    })
  end
end

---@param bufnr integer
function M.hide(bufnr)
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, M.NAMESPACE, 0, -1)
  end
end

--- Whether this display can be used in the buffer now.
---@return boolean
function M.ready()
  return true
end

return M
