// The TypeScript SDK 2's Client, in its two modes: the handshake, which is its default, and "auto".

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { main, sessionOf } from "../job.mjs";

const transports = {
  stdio: ({ command, args, env }) => new StdioClientTransport({ command, args, env }),
  sse: ({ url }) => new SSEClientTransport(new URL(url)),
  "streamable-http": ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
};

await main(async (server, mode) => {
  const client = new Client({ name: "typescript-client-2", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(transports[server.kind](server));
  await client.listTools();
  return sessionOf(client, server);
});
