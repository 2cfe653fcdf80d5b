import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { DEFAULT_CONFIG_FILE } from "../../src/config/config.ts";
import { defaultSettings, readSettings, VARIABLES } from "../../src/shim/settings.ts";
import { withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";

/** Reads the settings of a host with this configuration file. */
function readWith(runtime: object, env: Record<string, string> = {}) {
  return withTempDir((dir) => {
    const file = path.join(dir, "config.json");
    fs.writeFileSync(file, JSON.stringify({ version: 2, runtime }));
    return readSettings({ EBB_CONFIG: file, ...env });
  });
}

describe("the settings of a host", { skip: fs.existsSync(DEFAULT_CONFIG_FILE) }, () => {
  test("are the defaults where neither file nor environment says anything", async () => {
    assert.deepEqual(await readSettings({ PATH: "/bin", EBB_EXIT_MS: "", EBB_CONFIG: "" }), defaultSettings);
  });

  test("are what the environment says", async () => {
    const env = {
      EBB_EXIT_MS: "250",
      EBB_RELEASE: "volatile",
      EBB_START: "runtime",
      EBB_DELETE: "runtime",
      EBB_STDIO: "relayed",
      EBB_RUN_DIR: "/run/other",
    };
    const changes = {
      exitMs: 250,
      release: "volatile",
      start: "runtime",
      delete: "runtime",
      stdio: "relayed",
      runDirectory: "/run/other",
    };
    assert.deepEqual(await readSettings(env), { ...defaultSettings, ...changes });
  });

  test("are what the file says, unless the environment says otherwise", async () => {
    const settings = await readWith(
      { release: "strict", limits: { exitMs: 3, turnMs: 4 } },
      { EBB_EXIT_MS: "5" },
    );
    assert.deepEqual(settings, { ...defaultSettings, release: "strict", exitMs: 5, turnMs: 4 });
  });

  test("have a variable each, of a name of its own", () => {
    assert.deepEqual(Object.keys(VARIABLES).sort(), Object.keys(defaultSettings).sort());
    assert.equal(new Set(Object.values(VARIABLES)).size, Object.keys(VARIABLES).length);
  });

  test("are none where the file has a mistake, whatever the environment says", async () => {
    const expected = status(StatusCode.invalidArgument, /config\.json: \/runtime\/exitMs is not known$/);
    await assert.rejects(readWith({ exitMs: 1 }, { EBB_EXIT_MS: "5" }), expected);
  });

  const wrong: [variable: string, value: string, what: string][] = [
    ...["0", "-1", "1.5", "10s", "abc", "2147483648", "99999999999"].map(
      (value): [string, string, string] => ["EBB_MOUNT_MS", value, "a whole number from 1 to 2147483647"],
    ),
    ["EBB_MOUNTS_AT_ONCE", "49", "a whole number from 1 to 48"],
    ["EBB_RELEASE", "lazy", "one of deferred, strict, volatile"],
    ["EBB_RELEASE", "constructor", "one of deferred, strict, volatile"],
    ["EBB_START", "fast", "one of direct, runtime"],
    ["EBB_DELETE", "never", "one of direct, runtime"],
    ["EBB_STDIO", "runtime", "one of auto, direct, relayed"],
    ["EBB_RUN_DIR", "run/ebb", "an absolute path"],
    ["EBB_RUN_DIR", "/", "an absolute path"],
  ];
  for (const [variable, value, what] of wrong) {
    test(`are not ${variable}=${value}, which is told`, async () => {
      const expected = status(StatusCode.invalidArgument, new RegExp(`^${variable} must be ${what}, not "`));
      await assert.rejects(readSettings({ [variable]: value }), expected);
    });
  }
});
