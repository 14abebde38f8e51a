// Vercel's AI SDK: its loop, its MCP client, and its scripted model.

import { createMCPClient } from "@ai-sdk/mcp";
import { StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { generateText, stepCountIs } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { main, textOf } from "../job.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const transports = {
  stdio: ({ command, args, env }) => new StdioMCPTransport({ command, args, env }),
  sse: ({ url }) => ({ type: "sse", url }),
  "streamable-http": ({ url }) => ({ type: "http", url }),
};

const usage = { inputTokens: { total: 0 }, outputTokens: { total: 0 } };

await main(async (server) => {
  const client = await createMCPClient({ transport: transports[server.kind](server) });
  const tools = await client.tools();
  return {
    protocol: client.initializeResult.protocolVersion,
    async call(toolName, args, abortSignal) {
      const asked = { type: "tool-call", toolCallId: "call_1", toolName, input: JSON.stringify(args) };
      const model = new MockLanguageModelV4({
        doGenerate: [
          { content: [asked], finishReason: { unified: "tool-calls" }, usage, warnings: [] },
          { content: [{ type: "text", text: "Done." }], finishReason: { unified: "stop" }, usage, warnings: [] },
        ],
      });
      const timeout = server.limit_seconds ? { toolMs: server.limit_seconds * 1000 } : undefined;
      await generateText({ model, tools, prompt: "Go.", stopWhen: stepCountIs(2), abortSignal, timeout });
      const { output } = model.doGenerateCalls[1].prompt.at(-1).content[0];
      return { model: output.type === "content" ? textOf(output.value) : String(output.value) };
    },
    close: () => client.close(),
  };
});
