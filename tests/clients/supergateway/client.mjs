// supergateway, which serves a stdio server over HTTP, and the TypeScript SDK's client of it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { main, textOf } from "../job.mjs";

const gateway = join(dirname(createRequire(import.meta.url).resolve("supergateway/package.json")), "dist/index.js");

const outputs = {
  sse: ["--outputTransport", "sse"],
  stateful: ["--outputTransport", "streamableHttp", "--stateful"],
  stateless: ["--outputTransport", "streamableHttp"],
};

await main(async (server, mode) => {
  const port = await findPort();
  const running = spawn(process.execPath, [gateway, "--stdio", shellLine(server), "--port", port, ...outputs[mode]], {
    env: { ...process.env, ...server.env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  process.on("exit", () => running.kill());
  await connectionTo(port);
  const transport =
    mode === "sse"
      ? new SSEClientTransport(new URL(`http://127.0.0.1:${port}/sse`))
      : new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`));
  const client = new Client({ name: "supergateway", version: "1.0.0" });
  await client.connect(transport);
  await client.listTools();
  return {
    protocol: client.getNegotiatedProtocolVersion(),
    async call(name, args, signal) {
      const result = await client.callTool({ name, arguments: args }, { signal });
      return { structured: result.structuredContent, text: textOf(result.content), is_error: result.isError ?? false };
    },
    async close() {
      await client.close();
      running.kill();
    },
  };
});

// The gateway gives it to a shell.
function shellLine({ command, args }) {
  return [command, ...args].map((word) => `'${word}'`).join(" ");
}

async function findPort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

async function connectionTo(port) {
  for (;;) {
    try {
      return await fetch(`http://127.0.0.1:${port}/`);
    } catch {
      await new Promise((go) => setTimeout(go, 100));
    }
  }
}
