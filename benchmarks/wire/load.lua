-- Sends the prepared requests of a file one after another, each once. BODIES: the file; TARGET: the path.
local requests, at = {}, 0

function init(args)
  for line in io.lines(os.getenv("BODIES")) do
    if not headers then
      headers = {}
      for name, value in line:gmatch('"([^"]+)": "([^"]*)"') do headers[name] = value end
    else
      requests[#requests + 1] = wrk.format("POST", os.getenv("TARGET"), headers, line)
      headers = nil
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
