import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { withTempDir } from "../../support/files.ts";

const here = path.dirname(fileURLToPath(import.meta.url));
const module = pathToFileURL(path.join(here, "../../../src/shim/commands/ready.ts")).href;

test("start is told once, and what has its descriptor afterwards hears nothing", async () => {
  await withTempDir(async (dir) => {
    const file = path.join(dir, "later");
    const program = `
      const fs = await import("node:fs");
      const { tellStart, TOLD_FD, Told } = await import(${JSON.stringify(module)});
      tellStart(Told.ready);
      while (fs.openSync(${JSON.stringify(file)}, "w") < TOLD_FD);
      fs.fstatSync(TOLD_FD);
      tellStart(Told.failed);
      fs.fstatSync(TOLD_FD);`;
    const child = spawn(process.execPath, ["-e", program], {
      stdio: ["ignore", "ignore", "inherit", "ignore", "pipe"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    let told = "";
    for await (const chunk of child.stdio[4] as Readable) told += String(chunk);
    assert.equal(await ended, 0);
    assert.equal(told, "ready");
    assert.equal(fs.readFileSync(file, "utf8"), "");
  });
});
