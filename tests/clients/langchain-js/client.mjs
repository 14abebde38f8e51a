// LangChain.js's agent with the tools of @langchain/mcp-adapters; the model is a script of two messages.

import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { AIMessage, createAgent, fakeModel, ToolMessage, toolErrorMiddleware } from "langchain";
import { main } from "../job.mjs";

const SERVER = "wemasy";

const entries = {
  stdio: ({ command, args, env }) => ({ transport: "stdio", command, args, env }),
  sse: ({ url }) => ({ transport: "sse", url }),
  "streamable-http": ({ url }) => ({ transport: "http", url, automaticSSEFallback: false }),
};

const middleware = {
  default: [],
  toolErrorMiddleware: [toolErrorMiddleware({ onError: (error) => error.message })],
};

await main(async (server, mode) => {
  const client = new MultiServerMCPClient({
    mcpServers: { [SERVER]: entries[server.kind](server) },
    ...(server.limit_seconds && { defaultToolTimeout: server.limit_seconds * 1000 }),
  });
  const tools = await client.getTools();
  return {
    async call(name, args, signal) {
      const model = fakeModel()
        .respondWithTools([{ name, args, id: "call_1" }])
        .respond(new AIMessage("Done."));
      const state = await createAgent({ model, tools, middleware: middleware[mode] }).invoke(
        { messages: ["Go."] },
        { signal },
      );
      const shown = state.messages.find((message) => ToolMessage.isInstance(message));
      return { is_error: shown.status === "error", model: shown.text };
    },
    close: () => client.close(),
  };
});
