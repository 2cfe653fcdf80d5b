import assert from "node:assert/strict";
import type { KnownTaskEvent, TaskEvent } from "../../src/client/index.ts";
import type { Bench } from "./bench.ts";

/** How long an event is waited for, in milliseconds. */
const EVENT_MS = 15_000;

/** An event in one line: its topic, the process that it is about, and how that ended. */
export function eventLine(event: TaskEvent): string {
  const topic = event.topic.replace("/tasks/", "");
  if (event.type === "unknown") return `${topic} of unknown type ${event.typeUrl}`;
  const { event: body } = event;
  const execId = "execId" in body ? body.execId : "id" in body && body.id !== body.containerId ? body.id : "";
  const status = "exitStatus" in body ? ` ${body.exitStatus}` : "";
  return `${topic}${execId === "" ? "" : ` ${execId}`}${status}`;
}

/** The events about a container so far, one line each. */
export function history(bench: Bench, id: string): string[] {
  return eventsOf(bench, id).map(eventLine);
}

/**
 * Waits until so many events about a container have come, and asserts that they are these and no others. What is
 * told of memory is a case of its own.
 */
export async function expectHistory(bench: Bench, id: string, expected: readonly string[]): Promise<void> {
  const told = () => history(bench, id).filter((line) => line !== "oom");
  const enough = () => told().length >= expected.length;
  await bench.events.waitFor(enough, EVENT_MS, "events").catch(() => {});
  assert.deepEqual(told(), expected);
}

/** Waits for the event that reads like this. */
export async function waitForLine(bench: Bench, id: string, line: string): Promise<KnownTaskEvent> {
  const found = await bench.events.waitFor(
    (event) => isAbout(event, id) && eventLine(event) === line,
    EVENT_MS,
    line,
  );
  assert.ok(found.type !== "unknown");
  return found;
}

/** The events about a container so far. */
export function eventsOf(bench: Bench, id: string): KnownTaskEvent[] {
  return bench.events.received.filter((event): event is KnownTaskEvent => isAbout(event, id));
}

function isAbout(event: TaskEvent, id: string): boolean {
  return event.type !== "unknown" && event.event.containerId === id;
}
