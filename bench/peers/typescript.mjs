// The two tools by hand on @modelcontextprotocol/sdk, with fetch.
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const headers = { Authorization: `Bearer ${process.env.API_TOKEN}`, 'Content-Type': 'application/json' };

async function post(path, body) {
  const response = await fetch(`${process.env.API_BASE_URL}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) return { isError: true, content: [{ type: 'text', text: `HTTP ${response.status}: ${text}` }] };
  return { content: [{ type: 'text', text }], structuredContent: JSON.parse(text) };
}

function build() {
  const server = new McpServer({ name: 'wemasy', version: '1.0.0' });
  server.registerTool('update_connection', {
    description: 'Rename a stored AI provider connection and optionally set its model.',
    inputSchema: { connection_id: z.number().int(), name: z.string().max(255), model_name: z.string().nullish() },
  }, (body) => post('services/ai/v1/user/connections/update', body));
  server.registerTool('save_memory', {
    description: "Save a fact or a vector in the assistant's memory.",
    inputSchema: {
      kind: z.enum(['fact', 'vector']), key: z.string().nullish(), value: z.string().nullish(),
      embedding: z.string().nullish(), metadata: z.record(z.string(), z.any()).nullish(),
    },
  }, (body) => post('services/ai/v1/memory/save', body));
  return server;
}

if (process.argv[2]) {
  const { StreamableHTTPServerTransport } = await import('@modelcontextprotocol/sdk/server/streamableHttp.js');
  createServer(async (request, response) => {
    const server = build();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    response.on('close', () => { transport.close(); server.close(); });
    await server.connect(transport);
    await transport.handleRequest(request, response);
  }).listen(Number(process.argv[2]), '127.0.0.1');
} else {
  await build().connect(new StdioServerTransport());
}
