// Mastra's agent with the tools of its MCP client; the model is a script of two answers.

import { Agent } from "@mastra/core/agent";
import { MastraLanguageModelV2Mock } from "@mastra/core/test-utils/llm-mock";
import { MCPClient } from "@mastra/mcp";
import { main } from "../job.mjs";

const SERVER = "wemasy";

const entries = {
  stdio: ({ command, args, env }) => ({ command, args, env }),
  "streamable-http": ({ url }) => ({ url: new URL(url) }),
};

await main(async (server) => {
  const client = new MCPClient({
    servers: { [SERVER]: entries[server.kind](server) },
    ...(server.limit_seconds && { timeout: server.limit_seconds * 1000 }),
  });
  let tools = {};
  // The limit holds for the start of the server, too: on a busy machine it takes another try.
  while (!Object.keys(tools).length) tools = await client.listTools();
  return {
    protocol: client.getServerProtocolVersions()[SERVER],
    async call(name, args, abortSignal) {
      const asked = {
        type: "tool-call",
        toolCallId: "call_1",
        toolName: `${SERVER}_${name}`,
        input: JSON.stringify(args),
      };
      const script = [
        { content: [asked], finishReason: "tool-calls" },
        { content: [{ type: "text", text: "Done." }], finishReason: "stop" },
      ];
      const model = new MastraLanguageModelV2Mock({
        doGenerate: async () => ({ ...script.shift(), usage: {}, warnings: [] }),
      });
      const agent = new Agent({ id: "tester", name: "tester", instructions: "Go.", model, tools });
      await agent.generate("Go.", { maxSteps: 2, abortSignal });
      const { output } = model.doGenerateCalls[1].prompt.at(-1).content[0];
      return { model: output.type === "json" ? JSON.stringify(output.value) : output.value };
    },
    close: () => client.disconnect(),
  };
});
