-- The server's status object in words, as VS Code's page has it.
-- What the object does not have is not spoken of; what nobody reads here (process counters) is left to the log.
local M = {}

local STAGES = {
  { "total", "all of it" },
  { "debounce", "waiting for a pause in the typing" },
  { "queue", "waiting for another request" },
  { "retrieve", "looking for code in other files" },
  { "prompt", "laying out the prompt" },
  { "sync", "reading what is new of the prompt" },
  { "first_token", "the first word" },
  { "decode", "the rest" },
  { "trim", "fitting it to the place" },
}
local OUTCOMES = {
  { "answered", "answered by the model" },
  { "cached", "known already" },
  { "empty", "nothing to say" },
  { "withheld", "held back, for the model was not sure" },
  { "outdated", "the text went on meanwhile" },
  { "refused", "not served" },
  { "cancelled", "not wanted any more" },
  { "failed", "failed" },
}

--- vim.NIL and what is of another type are nil.
---@generic T
---@param value any
---@param kind `T`
---@return T?
local function as(value, kind)
  return type(value) == kind and value or nil
end

---@param value any
---@return table
local function object(value)
  return as(value, "table") or {}
end

--- One line: what a message or a path has of line ends is a space.
---@param value any
---@return string
local function text(value)
  return (value == nil or value == vim.NIL) and "–" or (tostring(value):gsub("%s+", " "))
end

---@param value number
---@return string
local function whole(value)
  local digits = ("%d"):format(value)
  return (digits:reverse():gsub("(%d%d%d)(%d)", "%1,%2"):gsub("(%d%d%d)(%d)", "%1,%2"):reverse())
end

---@param value number
---@return string
local function milliseconds(value)
  return value < 10 and ("%.1f ms"):format(value) or whole(math.floor(value + 0.5)) .. " ms"
end

---@param share number
---@return string
local function percent(share)
  return ("%d %%"):format(math.floor(share * 100 + 0.5))
end

---@param number number
---@param noun string
---@return string
local function count(number, noun)
  return whole(number) .. " " .. noun .. (number == 1 and "" or "s")
end

---@param seconds number
---@return string
local function duration(seconds)
  if seconds < 90 then
    return count(math.floor(seconds + 0.5), "second")
  elseif seconds < 5400 then
    return count(math.floor(seconds / 60 + 0.5), "minute")
  end
  return count(math.floor(seconds / 3600 + 0.5), "hour")
end

---@param all table
---@return string[]
local function model(all)
  local found = object(all.model)
  local where = found.device == "remote" and "a server elsewhere" or text(found.device)
  local threads = as(all.threads, "number")
  local cores = threads and ", " .. count(threads, "thread") or ""
  local name = as(found.name, "string")
  local lines = { name and ("%s on %s%s."):format(text(name), where, cores) or "No model is in service." }
  if as(found.loading, "string") then
    lines[#lines + 1] = ("Being loaded: %s."):format(text(found.loading))
  end
  if as(found.problem, "string") then
    lines[#lines + 1] = "Problem: " .. text(found.problem)
  end
  for _, notice in ipairs(object(found.notices)) do
    lines[#lines + 1] = "Note: " .. text(notice)
  end
  return lines
end

---@param all table
---@return string[]
local function outcomes(all)
  local counts, lines = object(object(all.requests).counts), {}
  for _, each in ipairs(OUTCOMES) do
    local number = as(counts[each[1]], "number")
    if number and number > 0 then
      lines[#lines + 1] = ("%6s  %s"):format(whole(number), each[2])
    end
  end
  return #lines > 0 and lines or { "None yet." }
end

---@param all table
---@return string[]
local function latencies(all)
  local by_stage, lines = object(all.latency_ms), {}
  for _, each in ipairs(STAGES) do
    local found = object(by_stage[each[1]])
    local p50, p95 = as(found.p50, "number"), as(found.p95, "number")
    if p50 and p95 then
      lines[#lines + 1] = ("%10s %10s  %s"):format(milliseconds(p50), milliseconds(p95), each[2])
    end
  end
  if #lines > 0 then
    table.insert(lines, 1, ("%10s %10s"):format("half in", "95 % in"))
  end
  return lines
end

---@param all table
---@return string[]
local function reused(all)
  local lines = {}
  local share = as(object(all.tokens).reused_share, "number")
  local exact = as(object(all.cache).exact_share, "number")
  if share then
    lines[#lines + 1] = percent(share) .. " of what stood in prompts did not have to be read again."
  end
  if exact then
    lines[#lines + 1] = percent(exact) .. " of what the cache holds is exact."
  end
  return lines
end

---@param all table
---@return string[]
local function index(all)
  local lines = {}
  for _, root in ipairs(object(all.index)) do
    root = object(root)
    local indexed, total = as(root.indexed, "number"), as(root.total, "number")
    local files = indexed and total and ("%s of %s files"):format(whole(indexed), whole(total)) or "not looked at yet"
    lines[#lines + 1] = ("%s: %s%s."):format(
      text(root.root),
      files,
      root.building == true and ", being brought up to date" or ""
    )
    for _, problem in ipairs(object(root.problems)) do
      lines[#lines + 1] = "Problem: " .. text(problem)
    end
  end
  return lines
end

---@param all table
---@return string[]
local function server(all)
  local lines = {}
  if as(all.version, "string") then
    lines[#lines + 1] = ("codeassist %s, process %s."):format(text(all.version), text(all.pid))
  end
  if as(all.uptime_s, "number") then
    lines[#lines + 1] = ("It has run for %s."):format(duration(all.uptime_s))
  end
  local names = vim.tbl_map(function(editor)
    return text(object(editor).name)
  end, object(all.editors))
  if #names > 0 then
    lines[#lines + 1] = ("It serves %s."):format(table.concat(names, ", "))
  end
  if as(all.shared, "table") then
    lines[#lines + 1] = "Windows share it."
  end
  local problem = as(object(all.feedback).problem, "string")
  if problem then
    lines[#lines + 1] = "Problem: " .. text(problem)
  end
  return lines
end

local PARTS = {
  { "Model", model },
  { "Suggestions since the server started", outcomes },
  { "How long they took", latencies },
  { "What was reused", reused },
  { "Index", index },
  { "Server", server },
}

--- The lines of the page.
---@param status any what the server answered
---@return string[]
function M.lines(status)
  local lines = {}
  for _, part in ipairs(PARTS) do
    local said = part[2](object(status))
    if #said > 0 then
      vim.list_extend(lines, { "", "## " .. part[1], "" })
      vim.list_extend(lines, said)
    end
  end
  return lines
end

return M
