// mcp-remote, which hosts that speak only stdio start to reach a server over HTTP; here the host is the TypeScript SDK.

import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { main, sessionOf } from "../job.mjs";

const remote = join(dirname(createRequire(import.meta.url).resolve("mcp-remote/package.json")), "dist/proxy.js");

const strategies = { sse: "sse-only", "streamable-http": "http-only" };

await main(async (server) => {
  const args = [remote, server.url, "--transport", strategies[server.kind], "--silent"];
  const client = new Client({ name: "mcp-remote", version: "1.0.0" });
  await client.connect(new StdioClientTransport({ command: process.execPath, args }));
  await client.listTools();
  return sessionOf(client, server);
});
