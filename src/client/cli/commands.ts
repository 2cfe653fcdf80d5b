import type { AddCommand } from "./command.ts";

/** A file of commands, which is loaded only where one of them is called. */
export interface CommandFile {
  /** The names of its commands, aliases included. */
  readonly names: readonly string[];
  /** Whether one of them is about all commands. */
  readonly needsAll?: boolean;
  readonly load: () => Promise<AddCommand>;
}

/** The commands, in the order in which the help has them. */
export const COMMANDS: readonly CommandFile[] = [
  { names: ["run"], load: async () => (await import("./run-command.ts")).addRun },
  { names: ["ps"], load: async () => (await import("./ps-command.ts")).addPs },
  { names: ["exec"], load: async () => (await import("./exec-command.ts")).addExec },
  { names: ["logs"], load: async () => (await import("./logs-command.ts")).addLogs },
  { names: ["stop"], load: async () => (await import("./stop-command.ts")).addStop },
  { names: ["kill"], load: async () => (await import("./kill-command.ts")).addKill },
  { names: ["rm"], load: async () => (await import("./rm-command.ts")).addRm },
  { names: ["pause", "unpause", "resume"], load: async () => (await import("./pause-command.ts")).addPause },
  { names: ["wait"], load: async () => (await import("./wait-command.ts")).addWait },
  { names: ["stats"], load: async () => (await import("./stats-command.ts")).addStats },
  { names: ["events"], load: async () => (await import("./events-command.ts")).addEvents },
  { names: ["pull"], load: async () => (await import("./pull-command.ts")).addPull },
  { names: ["load"], load: async () => (await import("./load-command.ts")).addLoad },
  { names: ["images"], load: async () => (await import("./images-command.ts")).addImages },
  { names: ["rmi"], load: async () => (await import("./rmi-command.ts")).addRmi },
  { names: ["pending"], load: async () => (await import("./pending-command.ts")).addPending },
  { names: ["info"], load: async () => (await import("./info-command.ts")).addInfo },
  { names: ["doctor"], load: async () => (await import("./doctor-command.ts")).addDoctor },
  {
    names: ["completion", "__complete"],
    needsAll: true,
    load: async () => (await import("./completion-command.ts")).addCompletion,
  },
  { names: ["supervise"], load: async () => (await import("./supervise-command.ts")).addSupervise },
];
