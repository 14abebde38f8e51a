"""What the tests share. Take one of these rather than write another.

The API (doubles stand only at the HTTP seam: everything behind it is the product as its users run it):

- `answers.answer`, `answers.chunk`: the bytes of an HTTP answer.
- `fake_api.FakeApi`: the API on a real socket. It keeps every request, a function answers; `in_thread()` for a test
  that blocks. It is also:
  - `scripted_api.Upstream`: breaks in every way, by a `script.Script` for each key, and counts what was written.
  - `held_api.Upstream`: answers as it is set, once it is released.
  - `raw_server.raw_server`: says any bytes, also over TLS or behind a CONNECT.
- `once.Api`, `once.Call`: the same for calls that are joined, given up and repeated.
- `wire.Recorded`: the API without a socket; the fixtures `recorded` and `mcp_client` stand on it.
- `listener.accepting`: one raw connection to be talked to; `relay.relaying`: one that leads elsewhere.

The program:

- `launching.serving`, `.launched`, `.run`: over stdio, byte by byte.
- `processes.serving`, and `processes.connect` for the SDK's client: over HTTP.
- `sandbox_process.running`: `wemasy-mcp sandbox`.
- `raw_http.running`, `.post`, `.answer_to`: our HTTP server in the test's event loop, and a request byte by byte.

A model:

- `scripted_model.serve_model`: the vendors' APIs, answered by a script.

What holds for every result: `results.check` (of the SDK's client), `truth.Player` (raw stdio, held against what the
API really did).
"""
