-- Converts columns between bytes and the units that a client negotiated.
local M = {}

local NEW_SIGNATURE = vim.fn.has("nvim-0.11") == 1

---@alias codeassist.Encoding "utf-8"|"utf-16"|"utf-32"

--- How many units the first `byte_col` bytes of `text` are.
---@param text string
---@param byte_col integer
---@param encoding codeassist.Encoding
---@return integer
function M.from_byte(text, byte_col, encoding)
  byte_col = math.min(byte_col, #text)
  if encoding == "utf-8" then
    return byte_col
  end
  if NEW_SIGNATURE then
    return vim.str_utfindex(text, encoding, byte_col, false)
  end
  local utf32, utf16 = vim.str_utfindex(text, byte_col)
  return encoding == "utf-16" and utf16 or utf32
end

--- The byte where unit `unit_col` of `text` starts; the end of `text` when it is shorter.
---@param text string
---@param unit_col integer
---@param encoding codeassist.Encoding
---@return integer
function M.to_byte(text, unit_col, encoding)
  if unit_col >= M.from_byte(text, #text, encoding) then
    return #text
  end
  if encoding == "utf-8" then
    return unit_col
  end
  if NEW_SIGNATURE then
    return vim.str_byteindex(text, encoding, unit_col, false)
  end
  return vim.str_byteindex(text, unit_col, encoding == "utf-16")
end

return M
