-- Where suggestions are on: everywhere, by filetype, by buffer.
local M = {}

local everywhere = true
---@type table<string, boolean> what `setup` said, and what was switched since
local filetypes = { ["*"] = true }
---@type table<integer, boolean>
local buffers = {}

---@param configured table<string, boolean>
function M.configure(configured)
  everywhere, filetypes, buffers = true, vim.deepcopy(configured), {}
end

---@param filetype string
---@return boolean
function M.filetype_on(filetype)
  local on = filetypes[filetype]
  if on == nil then
    on = filetypes["*"]
  end
  return on ~= false
end

--- Whether suggestions are on in a buffer, and if not, what switched them off.
---@param bufnr integer
---@return boolean on
---@return string|nil reason
function M.state(bufnr)
  if not everywhere then
    return false, "off everywhere (:CodeAssist enable)"
  end
  local own = buffers[bufnr]
  if own == nil then
    own = vim.b[bufnr].codeassist_enabled
  end
  if own == false then
    return false, "off in this buffer (:CodeAssist enable buffer)"
  end
  if own == nil and not M.filetype_on(vim.bo[bufnr].filetype) then
    return false, ("off for %s (:CodeAssist enable filetype)"):format(vim.bo[bufnr].filetype)
  end
  return true, nil
end

---@param scope "global"|"filetype"|"buffer"
---@param bufnr integer
---@return boolean on what this scope alone says
function M.scope_on(scope, bufnr)
  if scope == "global" then
    return everywhere
  elseif scope == "filetype" then
    return M.filetype_on(vim.bo[bufnr].filetype)
  end
  return (M.state(bufnr))
end

---@param scope "global"|"filetype"|"buffer"
---@param bufnr integer
---@param on boolean
function M.set(scope, bufnr, on)
  if scope == "global" then
    everywhere = on
  elseif scope == "filetype" then
    filetypes[vim.bo[bufnr].filetype] = on
  else
    buffers[bufnr] = on
  end
end

--- The buffer is gone; its number may be used again.
---@param bufnr integer
function M.forget(bufnr)
  buffers[bufnr] = nil
end

return M
