// The Inspector's command line: one process, and over stdio one server, for each call.

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { main, textOf } from "../job.mjs";

const manifest = createRequire(import.meta.url).resolve("@modelcontextprotocol/inspector/package.json");
const inspector = join(dirname(manifest), "clients/launcher/build/index.js");

const target = {
  stdio: ({ command, args, env }) => [
    ...Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    command,
    ...args,
  ],
  sse: ({ url }) => ["--transport", "sse", "--server-url", url],
  "streamable-http": ({ url }) => ["--transport", "http", "--server-url", url],
};

// Asked for once: it is a process more.
let protocol;

await main(async (server, mode) => {
  const options = ["--cli", "--format", "json", "--quiet", "--protocol-era", mode, "--connect-timeout", "60000"];
  const ask = async (...request) =>
    JSON.parse(await run([inspector, ...options, ...request, ...target[server.kind](server)])).result;
  protocol ??= (await ask("--method", "initialize")).protocolVersion;
  return {
    protocol,
    async call(name, args) {
      const result = await ask("--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args));
      return { structured: result.structuredContent, text: textOf(result.content), is_error: result.isError ?? false };
    },
    async close() {},
  };
});

// A tool's error makes the exit status 5 and is on standard output all the same.
function run(args) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: 60_000 }, (error, stdout, stderr) => {
      if (stdout) resolve(stdout);
      else reject(new Error(stderr || String(error)));
    });
  });
}
