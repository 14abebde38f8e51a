// The TypeScript SDK 2's Client, in its two modes: the handshake, which is its default, and "auto".

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { main, textOf } from "../job.mjs";

const transports = {
  stdio: ({ command, args, env }) => new StdioClientTransport({ command, args, env }),
  sse: ({ url }) => new SSEClientTransport(new URL(url)),
  "streamable-http": ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
};

await main(async (server, mode) => {
  const client = new Client({ name: "typescript-client-2", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(transports[server.kind](server));
  await client.listTools();
  return {
    protocol: client.getNegotiatedProtocolVersion(),
    async call(name, args, signal) {
      const options = server.limit_seconds ? { signal, timeout: server.limit_seconds * 1000 } : { signal };
      const result = await client.callTool({ name, arguments: args }, options);
      return { structured: result.structuredContent, text: textOf(result.content), is_error: result.isError ?? false };
    },
    close: () => client.close(),
  };
});
