import { hasCode, StatusCode } from "../../base/status.ts";
import {
  connectSupervisor,
  type SupervisorClient,
  type SupervisorConnection,
} from "../daemon/connect-supervisor.ts";
import { ExitStatus, UsageError } from "./exit-status.ts";
import { tellError } from "./interruptible.ts";
import { packageInfo } from "./package-info.ts";
import { requireRoot, writableStateDir } from "./state-dir.ts";

/** A supervisor that ends within so many milliseconds may have ended by what it was asked. */
const SOON_MS = 1_000;
/** How many in a row may do so. */
const MAX_SOON = 3;

/** The way of a command to the supervisor, which is started where there is none. */
export class SupervisorLink {
  #connection: SupervisorConnection;

  private constructor(connection: SupervisorConnection) {
    this.#connection = connection;
  }

  static async open(): Promise<SupervisorLink> {
    return new SupervisorLink(await connectToSupervisor());
  }

  /** What may be asked of it. */
  get calls(): SupervisorClient {
    return this.#connection.calls;
  }

  /**
   * Asks what may be asked twice: where the supervisor ends meanwhile, the next one is asked, which knows the same
   * containers, as often as that happens. Supervisors that end as soon as they are asked are an error as any other.
   */
  async persist<T>(work: (calls: SupervisorClient) => Promise<T>): Promise<T> {
    for (let soon = 0; ; ) {
      const askedAt = performance.now();
      try {
        return await work(this.calls);
      } catch (error) {
        soon = performance.now() - askedAt < SOON_MS ? soon + 1 : 0;
        if (!isLost(error) || soon > MAX_SOON) throw error;
        this.close();
        this.#connection = await connectToSupervisor();
      }
    }
  }

  close(): void {
    this.#connection.close();
  }
}

/** Whether the connection has ended, as against a supervisor that answers something of the kind. */
function isLost(error: unknown): boolean {
  return hasCode(error, StatusCode.unavailable) && error.message.startsWith("connection closed");
}

function connectToSupervisor(): Promise<SupervisorConnection> {
  const { version } = packageInfo();
  const start = [process.execPath, process.argv[1] ?? "", "supervise"];
  return connectSupervisor({ stateDir: writableStateDir(), version, start });
}

/**
 * Does a command's work by the supervisor; resolves to the exit status. What goes wrong is told in one line, and is
 * exit status 1 then, as a mistake of who called is the usual reason.
 */
export async function bySupervisor(
  command: string,
  work: (link: SupervisorLink) => Promise<number>,
): Promise<number> {
  requireRoot(`ebb ${command}`);
  let link: SupervisorLink | undefined;
  try {
    link = await SupervisorLink.open();
    return await work(link);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    tellError(error);
    return ExitStatus.error;
  } finally {
    link?.close();
  }
}

/** Does the same for each container that was named: what fails for one is told, and the others have their turn. */
export function forEachContainer(
  command: string,
  names: readonly string[],
  work: (link: SupervisorLink, id: string) => Promise<void>,
): Promise<number> {
  return bySupervisor(command, async (link) => {
    const results = await Promise.all(names.map((name) => attempt(link, name, work)));
    return results.every(Boolean) ? 0 : ExitStatus.error;
  });
}

async function attempt(
  link: SupervisorLink,
  name: string,
  work: (link: SupervisorLink, id: string) => Promise<void>,
): Promise<boolean> {
  try {
    await work(link, await idOf(link, name));
    return true;
  } catch (error) {
    tellError(error);
    return false;
  }
}

/** The id that a name, or the beginning of one, stands for. */
export async function idOf(link: SupervisorLink, name: string): Promise<string> {
  const { config } = await link.calls.find({ idOrPrefix: name });
  return (JSON.parse(Buffer.from(config).toString("utf8")) as { id: string }).id;
}
