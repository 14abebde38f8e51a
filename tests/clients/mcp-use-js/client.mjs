// mcp-use's agent and client for TypeScript, in the last version 1: the client of version 2 is another package. The model
// is a script.

import { AIMessage, fakeModel } from "langchain";
import { MCPAgent, MCPClient } from "mcp-use";
import { main } from "../job.mjs";

process.env.MCP_USE_ANONYMIZED_TELEMETRY = "false";

const entries = {
  stdio: ({ command, args, env }) => ({ command, args, env }),
  sse: ({ url }) => ({ url, transport: "sse", preferSse: true }),
  "streamable-http": ({ url }) => ({ url, transport: "http", disableSseFallback: true }),
};

await main(async (server) => {
  const client = new MCPClient({ mcpServers: { wemasy: entries[server.kind](server) } });
  await client.createAllSessions();
  return {
    async call(name, args, signal) {
      const model = fakeModel()
        .respondWithTools([{ name, args, id: "call_1" }])
        .respond(new AIMessage("Done."));
      const agent = new MCPAgent({ llm: model, client, maxSteps: 3, observe: false });
      await agent.initialize();
      await agent.run({ prompt: "Go.", signal, manageConnector: false });
      return { model: model.calls[1].messages.find((message) => message.type === "tool").text };
    },
    close: () => client.closeAllSessions(),
  };
});
