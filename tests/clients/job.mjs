// What the Node client scripts share: the job on standard input, one JSON line for each call on standard output.
// The counterpart of job.py.

import { readFileSync } from "node:fs";

export const textOf = (content) =>
  content
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("\n");

// The session of a connected client of the TypeScript SDK 2.
export const sessionOf = (client, server) => ({
  protocol: client.getNegotiatedProtocolVersion(),
  async call(name, args, signal) {
    const options = server.limit_seconds ? { signal, timeout: server.limit_seconds * 1000 } : { signal };
    const result = await client.callTool({ name, arguments: args }, options);
    return { structured: result.structuredContent, text: textOf(result.content), is_error: result.isError ?? false };
  },
  close: () => client.close(),
});

// `connect(server, mode)` opens a session: { call(tool, args, signal), close(), protocol }.
// `server.limit_seconds` is the client's own limit on a call; null for its default.
// The sessions of each lane are held one after the other, the lanes side by side, and last what may break.
export async function main(connect) {
  // Some clients log to standard output.
  console.log = console.info = console.error;
  const job = JSON.parse(readFileSync(0, "utf8"));
  const lanes = Map.groupBy(
    job.sessions.filter((session) => !session.may_break),
    (session) => session.lane ?? "",
  );
  await Promise.all([...lanes.values()].map((sessions) => holdAll(sessions, job.mode, connect)));
  for (const session of job.sessions.filter((session) => session.may_break)) {
    await holdBreaking(session, job.mode, connect);
  }
}

async function holdAll(sessions, mode, connect) {
  for (const session of sessions) {
    const connection = await open(() => connect(session.server, mode));
    try {
      for (const call of session.calls) tell(session, call, await make(call, connection), connection.protocol);
    } finally {
      await connection.close();
    }
  }
}

// Opens a session: one at a time, and again if need be. On a busy machine a server may not start within a client's
// limit, which is not what is asked of the client.
let opened = Promise.resolve();
function open(connect) {
  const opening = opened.then(connect).catch(connect).catch(connect);
  opened = opening.catch(() => {});
  return opening;
}

// A session of one call, in which the client itself may fail. What it leaves behind must not keep the process.
async function holdBreaking(session, mode, connect) {
  process.on("uncaughtException", () => {});
  const connection = await connect(session.server, mode);
  tell(session, session.calls[0], await make(session.calls[0], connection), connection.protocol);
  setTimeout(() => process.exit(0), 2_000).unref();
  await connection.close().catch(() => {});
}

function tell(session, call, seen, protocol) {
  const line = { session: session.name, call: call.name, protocol: protocol ?? null };
  process.stdout.write(`${JSON.stringify({ ...line, ...seen })}\n`);
}

async function make(call, connection) {
  try {
    if (call.cancel) return await makeAndCancel(call, connection);
    if (call.patience_seconds) return await makePatiently(call, connection);
    let seen = await connection.call(call.tool, call.arguments, undefined);
    // A call is made again, within reason, for as long as its result is `pending`.
    for (let again = 0; call.until_known && again < 10 && isPending(seen); again++) {
      seen = await connection.call(call.tool, call.arguments, undefined);
    }
    return seen;
  } catch (error) {
    return failed(error);
  }
}

// Waits for the client to end the call, within reason; then does what is to be done after it.
async function makePatiently(call, connection) {
  let impatience;
  const waits = new Promise((resolve) => {
    impatience = setTimeout(() => resolve({ waits: true }), call.patience_seconds * 1000);
  });
  const ended = connection.call(call.tool, call.arguments, undefined).catch(failed);
  const seen = await Promise.race([ended, waits]);
  clearTimeout(impatience);
  if (call.after && !seen.waits) await follow(call.after);
  return seen;
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
  return { ending: ended, upstream: await follow(call.cancel.release) };
}

// Asks the API to go on; what the client says to the server may take its own way there.
async function follow(url) {
  await new Promise((go) => setTimeout(go, 200));
  return get(url);
}

function isPending(seen) {
  return /code\\*":\s*\\*"pending/.test(JSON.stringify(seen));
}

function failed(error) {
  return { exception: `${error.name}: ${error.message}` };
}

async function get(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.text();
}
