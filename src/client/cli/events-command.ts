import { eventFromWire } from "../daemon/wire.ts";
import type { TaskEvent } from "../task-event.ts";
import type { AddCommand } from "./command.ts";
import { writeOut } from "./print.ts";
import { bySupervisor, type SupervisorLink } from "./supervisor-link.ts";
import { readTime } from "./values.ts";
import { printable } from "./words.ts";

const EVENTS_HELP = `
Goes on until Ctrl-C.

Examples:
  ebb events
  ebb events --since 10m
  ebb events --json | jq -r 'select(.event == "oom") | .container'`;

interface EventsFlags {
  readonly json?: boolean;
  readonly since?: string;
}

/** What an event says, for people and for programs alike. */
interface Line {
  readonly time: string;
  /** The last part of its topic: create, start, exec-added, exec-started, exit, delete, oom, paused, resumed. */
  readonly event: string;
  readonly container: string;
  readonly details: Readonly<Record<string, string | number>>;
}

/** Puts `ebb events` into the program. */
export const addEvents: AddCommand = (program, done) => {
  program
    .command("events")
    .summary("show what happens to containers, as it happens")
    .option("--json", "a JSON document on each line")
    .option(
      "--since <time>",
      "begin with what the supervisor still knows since then: 10m ago, or a time such as 2026-01-31T12:00Z",
    )
    .addHelpText("after", EVENTS_HELP)
    .action(async ({ json = false, since }: EventsFlags) => {
      const from = since === undefined ? Date.now() : readTime("--since", since);
      done(await bySupervisor("events", (link) => show(link, { json, from })));
    });
};

interface ShowOptions {
  readonly json: boolean;
  /** In milliseconds since the epoch. */
  readonly from: number;
}

function show(link: SupervisorLink, { json, from }: ShowOptions): Promise<number> {
  return writeOut(async (stdout) => {
    for await (const message of link.calls.events({})) {
      const event = eventFromWire(message);
      if ((event.timestamp?.getTime() ?? from) < from) continue;
      const line = lineOf(event);
      await stdout.write(Buffer.from(`${json ? JSON.stringify(line) : textOf(line)}\n`));
    }
  });
}

function lineOf(event: TaskEvent): Line {
  const container = event.type === "unknown" ? "" : event.event.containerId;
  const name = event.topic.slice(event.topic.lastIndexOf("/") + 1);
  return {
    time: (event.timestamp ?? new Date()).toISOString(),
    event: name,
    container,
    details: detailsOf(event),
  };
}

function detailsOf(event: TaskEvent): Line["details"] {
  switch (event.type) {
    case "containerd.events.TaskCreate":
    case "containerd.events.TaskStart":
      return { pid: event.event.pid };
    case "containerd.events.TaskExit": {
      const { id, containerId, pid, exitStatus } = event.event;
      return { ...(id !== containerId && { exec: id }), pid, exitStatus };
    }
    case "containerd.events.TaskExecAdded":
      return { exec: event.event.execId };
    case "containerd.events.TaskExecStarted":
      return { exec: event.event.execId, pid: event.event.pid };
    default:
      return {};
  }
}

function textOf({ time, event, container, details }: Line): string {
  const more = Object.entries(details).map(([key, value]) => `${key}=${value}`);
  return printable([time, event.padEnd(12), container, ...more].join(" "));
}
