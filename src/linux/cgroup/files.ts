import PQueue from "p-queue";
import { readdir, readText } from "../../base/file-calls.ts";
import { fsError } from "../errno.ts";

/** What says that a file has nothing to tell: it or its group is gone, or the kernel does not count that. */
const ABSENT = new Set(["ENOENT", "ENODEV", "EOPNOTSUPP", "ENOTDIR"]);

/**
 * How many reads of this process are under way at most: one that hangs in the kernel takes a thread with it, and those
 * are for the mounts.
 */
const READS_AT_ONCE = 4;
const reads = new PQueue({ concurrency: READS_AT_ONCE });

/** Runs, when its turn has come, what reads files one after the other: for each file by itself that takes far longer. */
export function inTurn<T>(read: () => Promise<T>): Promise<T> {
  return reads.add(read);
}

/**
 * A file of a control group, read off the main thread: the kernel may add up the counts of many processors for it.
 * Undefined where it is not there, or the group has gone. To be called in a turn ({@link inTurn}).
 */
export async function readCgroupFile(dir: string, name: string): Promise<string | undefined> {
  const file = `${dir}/${name}`;
  try {
    return await readText(file);
  } catch (err) {
    if (ABSENT.has((err as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw fsError(`read ${file}`, err);
  }
}

/** The sizes of huge pages that a group's files count, such as `2MB`; `last` is how the name of a file ends. */
export async function hugePageSizes(dir: string, last: string): Promise<string[]> {
  const names = await readdir(dir).catch(() => []);
  const sizes = names.flatMap((name) => {
    const [controller, size = "", ...rest] = name.split(".");
    return controller === "hugetlb" && rest.join(".") === last ? [size] : [];
  });
  return sizes.sort();
}
