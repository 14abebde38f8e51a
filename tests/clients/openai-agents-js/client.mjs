// OpenAI's Agents SDK for JavaScript with its own scripted model. Tracing is off, because it would call OpenAI.

import { Agent, MCPServerSSE, MCPServerStdio, MCPServerStreamableHttp, Runner } from "@openai/agents";
import { assistantMessage, functionCall, ScriptedModel } from "@openai/agents/testing";
import { main } from "../job.mjs";

const servers = {
  stdio: ({ command, args, env }, options) => new MCPServerStdio({ command, args, env, ...options }),
  sse: ({ url }, options) => new MCPServerSSE({ url, ...options }),
  "streamable-http": ({ url }, options) => new MCPServerStreamableHttp({ url, ...options }),
};

// How long it waits for the server to start, or to list the tools; by default 5 seconds, too few on a busy machine.
const patience = { clientSessionTimeoutSeconds: 30 };

await main(async (server) => {
  const limit = server.limit_seconds && { timeout: server.limit_seconds * 1000 };
  const mcpServer = servers[server.kind](server, { ...patience, ...limit });
  await mcpServer.connect();
  await mcpServer.listTools();
  return {
    // It does not tell the program.
    protocol: mcpServer.underlying.session.getNegotiatedProtocolVersion(),
    async call(name, args, signal) {
      const asked = functionCall(name, args, { callId: "call_1" });
      const model = new ScriptedModel([[asked], [assistantMessage("Done.")]]);
      const agent = new Agent({ name: "tester", model, mcpServers: [mcpServer] });
      const result = await new Runner({ tracingDisabled: true }).run(agent, "Go.", { signal });
      const { output } = result.history.find((item) => item.type === "function_call_result");
      return { model: textOf(output) };
    },
    close: () => mcpServer.close(),
  };
});

function textOf(output) {
  const parts = Array.isArray(output) ? output : [output];
  return parts.map((part) => (typeof part === "string" ? part : part.text)).join("\n");
}
