-- The server's process and its buffers: starts it, attaches, tells about folders, restarts.
local config = require("codeassist.config")
local display = require("codeassist.display")
local events = require("codeassist.events")
local notice = require("codeassist.notice")
local program = require("codeassist.program")
local rpc = require("codeassist.rpc")
local sessions = require("codeassist.session")
local status = require("codeassist.status")
local switch = require("codeassist.switch")

local M = {}

M.NAME = "codeassist"

-- Neovim sends the whole text when a buffer is opened; longer ones are data, not source.
local MAX_BYTES = 8 * 1024 * 1024
-- How long a server that was asked to stop may take before it is killed.
local STOP_MS = 3000

---@type integer|nil the client that runs, or is being started
local client_id = nil
---@type table<integer, fun()|false> clients that were told to stop, and what to do then
local stopping = {}
---@type table<integer, string> the root of each attached buffer that has one
local roots = {}
local missing_reported, rule_failed = false, false

---@return vim.lsp.Client|nil
function M.get()
  local client = client_id and vim.lsp.get_client_by_id(client_id)
  if client and not rpc.is_stopped(client) then
    return client
  end
  return nil
end

---@param bufnr integer
---@return boolean
local function is_source(bufnr)
  local name = vim.api.nvim_buf_get_name(bufnr)
  return vim.api.nvim_buf_is_loaded(bufnr)
    and vim.bo[bufnr].buftype == ""
    and vim.bo[bufnr].filetype ~= ""
    and name ~= ""
    and not name:find("^%a[%w+.-]+://")
    and vim.api.nvim_buf_get_offset(bufnr, vim.api.nvim_buf_line_count(bufnr)) <= MAX_BYTES
end

---@param root string
---@return {uri: string, name: string}
local function folder(root)
  return { uri = vim.uri_from_fname(root), name = root }
end

--- Whether the server has been started and has not said yet what it can do.
---@return boolean
function M.is_starting()
  local client = M.get()
  return client ~= nil and not client.initialized
end

---@param client vim.lsp.Client
---@param added string[]
---@param removed string[]
local function send_folders(client, added, removed)
  rpc.notify(client, "workspace/didChangeWorkspaceFolders", {
    event = { added = vim.tbl_map(folder, added), removed = vim.tbl_map(folder, removed) },
  })
end

--- One server serves all roots: the model is loaded once.
---@param client vim.lsp.Client
---@param root string
local function add_folder(client, root)
  local folders = client.workspace_folders or {}
  for _, known in ipairs(folders) do
    if known.name == root then
      return
    end
  end
  client.workspace_folders = vim.list_extend(folders, { folder(root) })
  if client.initialized then
    send_folders(client, { root }, {})
  end
end

--- The last buffer of a root is gone: its folder need not be watched any longer.
---@param client vim.lsp.Client
---@param root string
local function remove_folder(client, root)
  for _, other in pairs(roots) do
    if other == root then
      return
    end
  end
  client.workspace_folders = vim.tbl_filter(function(known)
    return known.name ~= root
  end, client.workspace_folders or {})
  if client.initialized and not rpc.is_stopped(client) then
    send_folders(client, {}, { root })
  end
end

---@param client vim.lsp.Client
---@param first_root string|nil the only folder that `initialize` named
local function on_init(client, first_root)
  if not client.server_capabilities.inlineCompletionProvider then
    notice.error("this server offers no inline completion: is it too old?")
  end
  local later = {}
  for _, known in ipairs(client.workspace_folders or {}) do
    if known.name ~= first_root then
      later[#later + 1] = known.name
    end
  end
  if #later > 0 then
    send_folders(client, later, {})
  end
  status.set_state("running")
end

---@return lsp.ClientCapabilities
local function capabilities()
  local able = vim.lsp.protocol.make_client_capabilities()
  able.textDocument.inlineCompletion = { dynamicRegistration = false }
  -- Most other servers speak UTF-16, and Neovim warns when the clients of a buffer count in different units.
  able.general = able.general or {}
  able.general.positionEncodings = { "utf-16" }
  able.experimental = vim.tbl_extend("force", able.experimental or {}, { didChangeStatus = true })
  return able
end

---@param bufnr integer
---@param root string|nil
local function start(bufnr, root)
  local options = config.get()
  local command, tried = program.find(options)
  if not command then
    if not missing_reported then
      missing_reported = true
      notice.error(program.how_to_install(tried))
    end
    return
  end
  local settings = next(options.settings) and options.settings or vim.empty_dict()
  local started
  started = vim.lsp.start({
    name = M.NAME,
    cmd = command,
    cmd_cwd = program.folder(),
    root_dir = root,
    workspace_folders = root and { folder(root) } or nil,
    capabilities = capabilities(),
    init_options = settings,
    settings = { codeassist = settings },
    handlers = {
      ["didChangeStatus"] = function(_, params)
        local was_busy = status.server().busy
        status.received(params)
        local session = sessions.get(vim.api.nvim_get_current_buf())
        if session and was_busy and not status.server().busy then
          session:server_ready()
        end
      end,
    },
    on_init = function(client)
      display.prepare(client, function(visible_bufnr)
        local session = sessions.get(visible_bufnr)
        if session then
          session:became_visible()
        end
      end)
      on_init(client, root)
    end,
    on_attach = function(client, attached)
      sessions.start(attached, client.id, display.attach(attached))
      events.follow(attached)
    end,
    on_exit = function(code, signal, id)
      vim.schedule(function()
        M.ended(id, code, signal)
      end)
    end,
  }, {
    bufnr = bufnr,
    reuse_client = function()
      return false
    end,
  })
  client_id = started
end

--- Whether the user's own rule lets a buffer have suggestions. One that fails lets it not.
---@param bufnr integer
---@return boolean
local function is_wanted(bufnr)
  local rule = config.get().should_attach
  if not rule then
    return true
  end
  local ok, wanted = pcall(rule, bufnr, vim.api.nvim_buf_get_name(bufnr))
  if not ok and not rule_failed then
    rule_failed = true
    notice.error("should_attach failed: " .. tostring(wanted))
  end
  return ok and wanted ~= false and wanted ~= nil
end

--- Attach to a buffer where suggestions are on; start the server if need be.
---@param bufnr integer
function M.attach(bufnr)
  if not is_source(bufnr) or not switch.state(bufnr) or sessions.get(bufnr) or not is_wanted(bufnr) then
    return
  end
  local root = vim.fs.root(bufnr, config.get().root_markers)
  local client = M.get()
  roots[bufnr] = root
  if not client then
    start(bufnr, root)
    return
  end
  if root then
    add_folder(client, root)
  end
  vim.lsp.buf_attach_client(bufnr, client.id)
end

--- Attach to all buffers where suggestions are on.
function M.attach_all()
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    M.attach(bufnr)
  end
end

--- A client has left a buffer.
---@param bufnr integer
---@param id integer
function M.detached(bufnr, id)
  local session = sessions.get(bufnr)
  if not session or session.client_id ~= id then
    return
  end
  sessions.stop(bufnr)
  events.forget(bufnr)
  display.detach(bufnr)
  local root, client = roots[bufnr], vim.lsp.get_client_by_id(id)
  roots[bufnr] = nil
  if root and client then
    remove_folder(client, root)
  end
end

--- The server's process is gone.
---@param id integer
---@param code integer
---@param signal integer
function M.ended(id, code, signal)
  local after = stopping[id]
  stopping[id] = nil
  for bufnr in pairs(sessions.all()) do
    M.detached(bufnr, id)
  end
  if client_id == id then
    client_id = nil
    status.set_state(after == nil and "stopped" or "none")
  end
  if after then
    after()
  elseif after == nil and vim.v.exiting == vim.NIL then
    local how = signal ~= 0 and ("signal %d"):format(signal) or ("exit code %d"):format(code)
    notice.error(
      ("the server stopped (%s). :CodeAssist restart starts it again, :CodeAssist log says why"):format(how)
    )
  end
end

--- Stop the server if it runs, then start it for all buffers where suggestions are on.
---@return boolean started false when there is no such buffer, or no program
function M.restart()
  missing_reported, rule_failed = false, false
  local client = M.get()
  if not client then
    M.attach_all()
    return M.get() ~= nil
  end
  local id = client.id
  stopping[id] = M.attach_all
  rpc.stop(client, false)
  vim.defer_fn(function()
    if stopping[id] then
      rpc.stop(client, true)
    end
  end, STOP_MS)
  return true
end

--- Tell a running server the settings of a second `setup`.
function M.settings_changed()
  local client = M.get()
  if client then
    local settings = config.get().settings
    client.settings = { codeassist = next(settings) and settings or vim.empty_dict() }
    rpc.notify(client, "workspace/didChangeConfiguration", { settings = client.settings })
  end
end

--- Run one of the server's commands.
---@param command string
---@param arguments any[]
---@param done fun(err: table|nil, result: any)
---@return boolean sent false when no server runs
function M.execute(command, arguments, done)
  local client = M.get()
  if not client then
    return false
  end
  local bufnr = vim.api.nvim_get_current_buf()
  local params = { command = command, arguments = arguments }
  return (rpc.request(client, "workspace/executeCommand", params, done, bufnr))
end

return M
