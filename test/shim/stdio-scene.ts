import fs from "node:fs";
import path from "node:path";
import { until } from "../../lab/until.ts";
import type { LogFields, Logger } from "../../src/base/logger.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { defaultSettings, type Settings } from "../../src/shim/settings.ts";
import { openStdio } from "../../src/shim/stdio/open-stdio.ts";
import type { ProcessStdio, StdioHost, StdioOwner, StdioPaths } from "../../src/shim/stdio/stdio.ts";
import { countOpenFiles, makeFifo, withTempDir } from "../support/files.ts";

const libc = loadLibc();

/** Keeps what is logged, as `level message`. */
class LogKeeper implements Logger {
  readonly lines: string[] = [];
  readonly fields: LogFields[] = [];

  debug = this.#writer("debug");
  info = this.#writer("info");
  warn = this.#writer("warn");
  error = this.#writer("error");

  child(): Logger {
    return this;
  }

  #writer(level: string) {
    return (message: string, fields: LogFields = {}) => {
      this.lines.push(`${level} ${message}`);
      this.fields.push(fields);
    };
  }
}

/** A directory with what a test of streams needs, and a host whose streams they are. */
export interface StdioScene {
  readonly dir: string;
  readonly log: LogKeeper;
  readonly host: StdioHost;
  /** Opens streams that are nowhere but where the test says. */
  open(paths: Partial<StdioPaths>, owner?: Partial<StdioOwner>): Promise<ProcessStdio>;
  /** Makes a fifo of this name; its path. */
  fifo(name: string): string;
  /** Makes a program that is this shell script; its path. */
  program(name: string, script: string): string;
}

/** Runs a test with streams, after which this process has as many descriptors as before. */
export function withStdio(
  settings: Partial<Settings>,
  body: (scene: StdioScene) => Promise<void>,
): Promise<void> {
  return withTempDir(async (dir) => {
    const before = countOpenFiles();
    const log = new LogKeeper();
    const runDirectory = path.join(dir, "run");
    const host = {
      namespace: "test",
      libc,
      logger: log,
      settings: { ...defaultSettings, stdio: "direct" as const, runDirectory, ...settings },
    };
    const nowhere = { stdin: "", stdout: "", stderr: "", terminal: false };
    const nobody = { bundle: dir, id: "c", execId: "", uid: 0, gid: 0 };
    await body({
      dir,
      log,
      host,
      open: (paths, owner = {}) => openStdio(host, { ...nowhere, ...paths }, { ...nobody, ...owner }),
      fifo: (name) => {
        const file = path.join(dir, name);
        makeFifo(file);
        return file;
      },
      program: (name, script) => {
        const file = path.join(dir, name);
        fs.writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`, { mode: 0o755 });
        return file;
      },
    });
    await until(`no more than ${before} descriptors, as before`, () =>
      countOpenFiles() <= before ? true : undefined,
    );
  });
}
