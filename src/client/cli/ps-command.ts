import type { Phase } from "../daemon/status.ts";
import type { ContainerView } from "../daemon/supervisor.ts";
import { viewsFromWire } from "../daemon/wire.ts";
import type { Colour } from "./colour.ts";
import type { AddCommand } from "./command.ts";
import { print, printJson } from "./print.ts";
import { bySupervisor } from "./supervisor-link.ts";
import { describeTable, type Row, tableOptions } from "./table.ts";
import { ageText, sinceText } from "./words.ts";

const PS_HELP = `
Examples:
  ebb ps -a
  ebb rm $(ebb ps -aq)
  ebb ps --json | jq -r '.[] | select(.outOfMemory) | .id'`;

/** As much of a command as a list has room for. */
const MAX_COMMAND = 32;

const HEAD = ["CONTAINER", "IMAGE", "COMMAND", "CREATED", "STATUS", "PID"];

interface PsFlags {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Puts `ebb ps` into the program. */
export const addPs: AddCommand = (program, done) => {
  program
    .command("ps")
    .summary("list containers")
    .description("Lists the containers that live, at once, whatever their shims or disks are busy with.")
    .option("-a, --all", "those that have ended, too")
    .option("-q, --quiet", "only their ids")
    .option("--json", "print one JSON document: an array, empty where there is none")
    .addHelpText("after", PS_HELP)
    .action(async (flags: PsFlags) =>
      done(
        await bySupervisor("ps", async (link) => {
          const views = await viewsFromWire(link.calls.list({}));
          const shown = views.filter(({ status }) => flags.all || status.phase !== "stopped");
          return show(shown, flags);
        }),
      ),
    );
};

async function show(views: readonly ContainerView[], { quiet, json }: PsFlags): Promise<number> {
  if (json) return printJson(views.map(asJson));
  if (quiet) return views.length === 0 ? 0 : print(views.map(({ config }) => config.id).join("\n"));
  return print(describeTable(HEAD, views.map(rowOf), { ...tableOptions(), plain: true }));
}

/** What is said of a container where a program reads it. */
export function asJson({ config, status }: ContainerView) {
  const { id, createdAt, image, lowerDirs, runtime, args, user, terminal, network, readOnly } = config;
  const { phase, pid, ending, outOfMemory, confirmed, problem } = status;
  return {
    ...{ id, createdAt, image: image ?? null, lowerDirs, runtime, args, user: user ?? null },
    ...{ terminal, network, readOnly, memoryBytes: config.memoryBytes ?? null, cpus: config.cpus ?? null },
    ...{
      phase,
      pid,
      exitStatus: ending?.exitStatus ?? null,
      exitedAt: ending?.exitedAt?.toISOString() ?? null,
    },
    ...{ outOfMemory, confirmed, problem: problem ?? null },
  };
}

const COLOURS: Partial<Record<Phase, Colour>> = { running: "green", paused: "yellow" };

function rowOf({ config, status }: ContainerView): Row {
  const text = statusText(status);
  const failed = status.phase === "stopped" && status.ending?.exitStatus !== 0;
  const colour = failed || status.problem !== undefined ? "red" : COLOURS[status.phase];
  return [
    config.id,
    config.image ?? config.lowerDirs[0] ?? "-",
    short(config.args.join(" ")),
    `${sinceText(config.createdAt)} ago`,
    colour === undefined ? text : { text, colour },
    status.pid === 0 || status.phase === "stopped" ? "-" : String(status.pid),
  ];
}

function short(command: string): string {
  return command.length > MAX_COMMAND ? `${command.slice(0, MAX_COMMAND - 1)}…` : command;
}

function statusText({ phase, ending, outOfMemory, problem }: ContainerView["status"]): string {
  const more = [...(outOfMemory ? ["out of memory"] : []), ...(problem === undefined ? [] : [problem])];
  const text = phase === "stopped" ? exitText(ending) : phase;
  return more.length === 0 ? text : `${text} (${more.join("; ")})`;
}

function exitText(ending: ContainerView["status"]["ending"]): string {
  if (ending === undefined) return "exited (unknown)";
  const { exitStatus, exitedAt } = ending;
  if (exitedAt === undefined) return `exited (${exitStatus})`;
  return `exited (${exitStatus}) ${ageText(Date.now() - exitedAt.getTime())} ago`;
}
