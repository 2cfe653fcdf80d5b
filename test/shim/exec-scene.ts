import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { defaultSpec, type Shim, type TaskEvent } from "../../src/client/index.ts";
import { containerd } from "../../src/proto/index.ts";
import { fakeRunc, NAMESPACE, type Workshop } from "./harness.ts";

/** What the daemon sends with Exec: the JSON of an OCI process. */
export function processSpec(args: readonly string[], changes: Record<string, unknown> = {}) {
  const { process } = defaultSpec({ namespace: NAMESPACE, id: "any", args });
  return specOf(JSON.stringify({ ...process, ...changes }));
}

/** An Any with this text as the process. */
export function specOf(text: string) {
  const typeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Process";
  return { typeUrl, value: Buffer.from(text) };
}

/** Adds an exec and starts it; its pid. */
export async function runExec(
  { task }: Pick<Shim, "task">,
  id: string,
  execId: string,
  args: readonly string[],
): Promise<number> {
  await task.exec({ id, execId, spec: processSpec(args) });
  return (await task.start({ id, execId })).pid;
}

/**
 * What the events about a container and its execs were so far, such as `exec-started e1` and `exit e1 7`; the
 * container itself is `init`.
 */
export function story(events: readonly TaskEvent[], id: string): string[] {
  return events.flatMap(({ topic, ...rest }) => {
    const event = ("event" in rest ? rest.event : {}) as Record<string, string | number | undefined>;
    if (event.containerId !== id) return [];
    const name = topic.slice("/tasks/".length);
    const process = event.execId ?? event.id;
    const who = process === undefined || process === "" || process === id ? "init" : process;
    return [name === "exit" ? `exit ${who} ${event.exitStatus ?? 0}` : `${name} ${who}`];
  });
}

/** The same, once the container's deletion was told. */
export async function wholeStory(shop: Workshop, id: string): Promise<string[]> {
  await shop.events.waitFor(
    (e) => e.type === "containerd.events.TaskDelete" && e.event.containerId === id,
    10_000,
    `the deletion of ${id}`,
  );
  return story(shop.events.received, id);
}

/** How many descriptors a shim has open. */
export async function descriptors({ task }: Pick<Shim, "task">): Promise<number> {
  const { shimPid } = await task.connect({ id: "" });
  return fs.readdirSync(`/proc/${shimPid}/fd`).length;
}

/** Runtime options that name a program and, where it is no real runtime, where it keeps its containers. */
export function runtimeOptions(binaryName: string, root = "") {
  const value = containerd.runc.v1.Options.encode({ binaryName, root }).finish();
  return { typeUrl: "containerd.runc.v1.Options", value };
}

/** A program in a new directory that acts out a scenario in place of the OCI runtime. */
export function fakeRuntime(shop: Workshop, name: string, commands: Readonly<Record<string, unknown>>) {
  const dir = path.join(shop.dir, `fake-${name}`);
  fs.mkdirSync(dir);
  const scenario = path.join(dir, "scenario.json");
  const act = (next: Readonly<Record<string, unknown>>) =>
    fs.writeFileSync(scenario, JSON.stringify({ record: path.join(dir, "calls"), commands: next }));
  act(commands);
  const binary = path.join(dir, "runc");
  const script = `#!/bin/sh\nEBB_FAKE_RUNC=${scenario} exec ${process.execPath} ${fakeRunc} "$@"\n`;
  fs.writeFileSync(binary, script, { mode: 0o755 });
  const calls = () => {
    const lines = fs.readFileSync(path.join(dir, "calls"), "utf8").trimEnd().split("\n");
    return lines.map((line) => (JSON.parse(line) as { argv: string[] }).argv);
  };
  return { dir, options: runtimeOptions(binary, path.join(dir, "root")), act, calls };
}

/** Asserts that execs' exits come before the init's, each once, and that the init's exit and deletion end it all. */
export function assertExitOrder(told: readonly string[], execIds: readonly string[]): void {
  const exits = told.filter((line) => line.startsWith("exit "));
  const who = exits.map((line) => line.split(" ")[1]);
  assert.deepEqual(who.slice(0, -1).sort(), [...execIds].sort());
  assert.equal(who.at(-1), "init");
  assert.deepEqual(told.slice(-2), [exits.at(-1), "delete init"]);
}
