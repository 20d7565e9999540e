-- The command :CodeAssist. Nothing else is loaded until it is used or `setup` is called.
if vim.g.loaded_codeassist then
  return
end
vim.g.loaded_codeassist = true
if vim.fn.has("nvim-0.10") == 0 then
  vim.notify("codeassist: Neovim 0.10 or newer is needed", vim.log.levels.ERROR)
  return
end
require("codeassist.command").define()
