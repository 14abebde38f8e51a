// mcporter's command line, as an agent runs it in a shell: one process, and over stdio one server, for each call.

import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "../job.mjs";

const mcporter = join(dirname(fileURLToPath(import.meta.resolve("mcporter"))), "cli.js");

const entries = {
  stdio: ({ command, args, env }) => ({ command, args, env }),
  sse: ({ url }) => ({ baseUrl: url }),
  "streamable-http": ({ url }) => ({ baseUrl: url }),
};

// A call may still be waiting when everything else is done.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill()));

await main(async (server) => {
  const config = join(mkdtempSync(join(homedir(), "mcporter-")), "mcporter.json");
  writeFileSync(config, JSON.stringify({ mcpServers: { wemasy: entries[server.kind](server) } }));
  return {
    async call(name, args) {
      const given = ["--args", JSON.stringify(args)];
      return { model: await run([mcporter, "--config", config, "call", `wemasy.${name}`, ...given]) };
    },
    async close() {},
  };
});

// A tool's error makes the exit status 1 and is on standard output all the same; mcporter's own are on standard error.
function run(args) {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, args, (error, stdout, stderr) => {
      running.delete(child);
      if (stdout || stderr) resolve((stdout || stderr).trimEnd());
      else reject(error);
    });
    running.add(child);
  });
}
