-- Opens a flow with a mistake in Neovim, set up by the lines of docs/editors.md for
-- its version: the mistake must be shown, a name explained, and an output offered.
-- Run in the repository's folder, with wend on PATH:
--
--   nvim --headless --clean -S editors/neovim.lua
local function try()
  local page = table.concat(vim.fn.readfile('docs/editors.md'), '\n')
  local blocks = {}
  for block in page:gmatch('```lua\n(.-)```') do
    table.insert(blocks, block)
  end
  assert(loadstring(blocks[vim.fn.has('nvim-0.11') == 1 and 1 or 2]))()

  local file = vim.fn.tempname() .. '.yaml'
  vim.fn.writefile({
    'flow: greeting',
    'nodes:',
    '  start: { type: manual, next: say }',
    '  say: { type: log, with: { message: $(start.name) }, next: done, outcomes: { else: dnoe } }',
    '  done: { type: end }',
  }, file)
  vim.cmd('edit ' .. file)
  assert(vim.wait(30000, function() return #vim.diagnostic.get(0) > 0 end, 20), 'no mistake is shown')
  local shown = vim.diagnostic.get(0)[1]
  assert(shown.lnum == 3 and shown.message:find('did you mean "done"?', 1, true), vim.inspect(shown))

  -- ask puts the cursor behind some text and asks about that place.
  local function ask(method, text)
    local line = vim.fn.search(text, 'w')
    local params = {
      textDocument = { uri = vim.uri_from_bufnr(0) },
      position = { line = line - 1, character = vim.fn.matchend(vim.fn.getline(line), text) },
    }
    for _, answer in pairs(vim.lsp.buf_request_sync(0, method, params, 30000) or {}) do
      return answer.result
    end
  end
  local hover = ask('textDocument/hover', 'type: man')
  assert(hover and hover.contents.value:find('manual', 1, true), vim.inspect(hover))
  local offered = ask('textDocument/completion', 'message: $(start')
  local labels = vim.tbl_map(function(item) return item.label end, offered.items)
  assert(vim.tbl_contains(labels, 'start'), vim.inspect(labels))
  return shown.message
end

local ok, said = pcall(try)
io.stdout:write(('nvim 0.%d: %s\n'):format(vim.version().minor, tostring(said)))
vim.cmd(ok and 'qall!' or 'cquit 1')
