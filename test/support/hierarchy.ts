import { readMountInfo } from "../../src/linux/mountinfo.ts";

/** Where this host can have a control group made: one v1 hierarchy, or the only one of v2. */
export const hierarchy = readMountInfo().find(
  ({ type, superOptions }) => type === "cgroup2" || (type === "cgroup" && /\bpids\b/.test(superOptions)),
)?.mountPoint;
