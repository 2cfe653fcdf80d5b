import assert from "node:assert/strict";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { COMMANDS } from "../../../src/client/cli/commands.ts";
import { ebb, ebbPath } from "./built-ebb.ts";

const folder = fileURLToPath(new URL("../../../src/client/cli", import.meta.url));

describe("the commands of ebb", () => {
  test("are found by all of their names", async () => {
    for (const { names, load } of COMMANDS) {
      const program = new Command().enablePositionalOptions();
      (await load())(program, () => {});
      assert.deepEqual(
        program.commands.flatMap((command) => [command.name(), ...command.aliases()]),
        names,
      );
    }
  });

  test("are those that there are files of", () => {
    const files = readdirSync(folder).filter((name) => /-command\.[jt]s$/.test(name));
    assert.equal(COMMANDS.length, files.length);
  });

  test("have --json where the README says so", async () => {
    const program = new Command().enablePositionalOptions();
    for (const { load } of COMMANDS) (await load())(program, () => {});
    const having = program.commands.filter(({ options }) => options.some(({ long }) => long === "--json"));
    // The built command is a link to that of the checkout, whichever copy of the tests this is.
    const readme = readFileSync(path.join(realpathSync(ebbPath), "../../../../../README.md"), "utf8");
    const [, listed = ""] = /`--json` is an option of ([^.]+)\./.exec(readme) ?? [];
    const names = [...listed.matchAll(/`([a-z]+)`/g)].map(([, name]) => name);
    assert.deepEqual(names.sort(), having.map((command) => command.name()).sort());
  });

  test("are all in the help, in their order", async () => {
    const { stdout } = await ebb(["--help"]);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+)[ |]/gm)].map(([, name]) => name);
    const names = COMMANDS.flatMap(({ names }) => names).filter(
      (name) => name !== "__complete" && name !== "resume",
    );
    assert.deepEqual(listed, [...names, "help"]);
  });

  test("are explained also by `help`, and guessed where one is mistyped", async () => {
    assert.match((await ebb(["help", "stop"])).stdout, /^Usage: ebb stop /);
    const { exitCode, stderr } = await ebb(["stpo"]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^ebb: unknown command 'stpo'\n.*stop/);
  });
});
