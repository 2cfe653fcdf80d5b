import type { LogFields, Logger } from "../../base/logger.ts";
import type { Libc } from "../../linux/libc.ts";
import type { Settings } from "../settings.ts";
import { INIT } from "../task/exit-order.ts";

/** Where a process's standard streams go, as the daemon names them: paths or URIs, empty for none. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** What the streams of every process need of the shim. */
export interface StdioHost {
  readonly namespace: string;
  readonly libc: Libc;
  readonly settings: Settings;
  readonly logger: Logger;
}

/** Whose streams they are, and who is to own what is made for them. */
export interface StdioOwner {
  readonly bundle: string;
  readonly id: string;
  /** Empty for the init. */
  readonly execId: string;
  readonly uid: number;
  readonly gid: number;
}

/** What log lines about a process's streams say of it. */
export function fieldsOf({ id, execId }: Pick<StdioOwner, "id" | "execId">): LogFields {
  return { id, ...(execId !== INIT && { execId }) };
}

/** The standard streams of one process. */
export interface ProcessStdio {
  readonly paths: StdioPaths;
  /** What the process is to inherit as descriptors 0, 1 and 2; with a terminal nothing: the runtime makes it. */
  readonly childFds: (number | "ignore")[];
  /** The path for the runtime's `--console-socket`; undefined without a terminal. */
  readonly consoleSocket: string | undefined;
  /**
   * The runtime has ended well: our copies of the process's ends are closed; a terminal has been received
   * (bounded) and is relayed from now on. Where the runtime has failed, `close` is all that is to be called.
   */
  handedOver(): Promise<void>;
  /** Sets the terminal's size; nothing without a terminal. */
  resize(width: number, height: number): void;
  /** The process reads the end of its input once the daemon's writers are gone as well. */
  closeStdin(): void;
  /**
   * The process has ended: its output ends where all of it has been passed on, however long its reader is away.
   * Repeatable.
   */
  processEnded(): void;
  /**
   * For Delete. Resolves when what the process wrote has been passed on as far as it is ours to pass on, at the latest
   * at the limit, counted from the first call, which is logged.
   */
  drained(): Promise<void>;
  /** Lets everything go, logger processes included; repeatable. */
  close(): Promise<void>;
}
