// What the Node client scripts share: the job on standard input, one JSON line for each call on standard output.
// The counterpart of job.py.

import { readFileSync } from "node:fs";

export const textOf = (content) =>
  content
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("\n");

// `connect(server, mode)` opens a session: { call(tool, args, signal), close(), protocol }.
export async function main(connect) {
  const job = JSON.parse(readFileSync(0, "utf8"));
  for (const session of job.sessions) {
    const connection = await connect(session.server, job.mode);
    try {
      for (const call of session.calls) {
        const line = { session: session.name, call: call.name, protocol: connection.protocol ?? null };
        process.stdout.write(`${JSON.stringify({ ...line, ...(await make(call, connection)) })}\n`);
      }
    } finally {
      await connection.close();
    }
  }
}

async function make(call, connection) {
  try {
    if (call.cancel) return await makeAndCancel(call, connection);
    return await connection.call(call.tool, call.arguments, undefined);
  } catch (error) {
    return { exception: `${error.name}: ${error.message}` };
  }
}

// Cancels the call once the API has its request, and has the API answer then.
async function makeAndCancel(call, connection) {
  const controller = new AbortController();
  const ending = connection.call(call.tool, call.arguments, controller.signal).then(
    () => "answered",
    () => "cancelled",
  );
  await get(call.cancel.arrived);
  controller.abort();
  const ended = await ending;
  // The cancellation may take its own way to the server.
  await new Promise((go) => setTimeout(go, 200));
  return { ending: ended, upstream: await get(call.cancel.release) };
}

async function get(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.text();
}
