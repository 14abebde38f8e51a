// The TypeScript SDK 1's Client: it lists the tools first, and from then on checks every result against its schema.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { main, textOf } from "../job.mjs";

const transports = {
  stdio: ({ command, args, env }) => new StdioClientTransport({ command, args, env }),
  sse: ({ url }) => new SSEClientTransport(new URL(url)),
  "streamable-http": ({ url }) => new StreamableHTTPClientTransport(new URL(url)),
};

await main(async (server) => {
  const client = new Client({ name: "typescript-sdk-1", version: "1.0.0" });
  const transport = transports[server.kind](server);
  let protocol = null;
  // The client tells its transport the version, and the program nothing; stdio has no use for it.
  transport.setProtocolVersion = (version) => (protocol = version);
  await client.connect(transport);
  await client.listTools();
  return {
    protocol,
    async call(name, args, signal) {
      const options = server.limit_seconds ? { signal, timeout: server.limit_seconds * 1000 } : { signal };
      const result = await client.callTool({ name, arguments: args }, undefined, options);
      return { structured: result.structuredContent, text: textOf(result.content), is_error: result.isError ?? false };
    },
    close: () => client.close(),
  };
});
