import { StatusCode, StatusError } from "../base/status.ts";
import type { SpecUser } from "./spec.ts";

/** The files of a root file system that say who is who (passwd(5), group(5)); empty where there is none. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

/** As the kernel has ids, but for the one that means none. */
const MAX_ID = 2 ** 32 - 2;

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Whether the files have to be looked at for it. */
export function isById(user: string): boolean {
  return /^\d+:\d+$/.test(user);
}

/**
 * Who is meant by `NAME[:GROUP]` or `UID[:GID]`, in any mixture. Digits are an id, whatever the files say. Without a
 * group it is the user's own by passwd, and the groups that list the user come on top; an id that passwd does not
 * know has group 0. Throws `notFound` for a name that is not there and `invalidArgument` for what is none.
 */
export function resolveUser(text: string, files: UserFiles): SpecUser {
  const [who = "", group, ...more] = text.split(":");
  if (who === "" || group === "" || more.length > 0) {
    const message = `user ${JSON.stringify(text)} is not NAME[:GROUP] or UID[:GID]`;
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  const uid = idOf("user", who);
  const user = usersOf(files.passwd).find((one) => (uid === undefined ? one.name === who : one.uid === uid));
  if (uid === undefined && user === undefined) throw unknown("user", who, "/etc/passwd");
  const known = uid ?? user?.uid ?? 0;
  if (group !== undefined) return { uid: known, gid: groupNamed(group, files.group) };
  const groups = user === undefined ? [] : groupsOf(files.group);
  const additionalGids = groups
    .filter(({ members }) => members.includes(user?.name ?? ""))
    .map(({ gid }) => gid);
  return { uid: known, gid: user?.gid ?? 0, additionalGids: [...new Set(additionalGids)] };
}

function groupNamed(name: string, text: string): number {
  const gid = idOf("group", name) ?? groupsOf(text).find((group) => group.name === name)?.gid;
  if (gid === undefined) throw unknown("group", name, "/etc/group");
  return gid;
}

function idOf(what: string, word: string): number | undefined {
  if (!/^\d+$/.test(word)) return undefined;
  const id = Number(word);
  if (id <= MAX_ID) return id;
  throw new StatusError(StatusCode.invalidArgument, `${what} ${word} is more than ${MAX_ID}`);
}

function unknown(what: string, name: string, file: string): StatusError {
  return new StatusError(
    StatusCode.notFound,
    `there is no ${what} ${JSON.stringify(name)} in the container's ${file}`,
  );
}

/** What is no line of these files is passed over, as the C library does. */
function usersOf(text: string): User[] {
  return linesOf(text).flatMap(([name = "", , uid, gid]) => {
    const ids = [readId(uid), readId(gid)] as const;
    return ids[0] === undefined || ids[1] === undefined ? [] : [{ name, uid: ids[0], gid: ids[1] }];
  });
}

function groupsOf(text: string): Group[] {
  return linesOf(text).flatMap(([name = "", , number, members = ""]) => {
    const gid = readId(number);
    return gid === undefined ? [] : [{ name, gid, members: members.split(",") }];
  });
}

function linesOf(text: string): string[][] {
  return text.split("\n").map((line) => line.trim().split(":"));
}

function readId(word: string | undefined): number | undefined {
  const id = /^\d+$/.test(word ?? "") ? Number(word) : Number.NaN;
  return id <= MAX_ID ? id : undefined;
}
