import { errnoOf } from "../../base/files.ts";

/** Whether a call could be made; false where it fails with this error. */
export function was(call: () => void, error: string): boolean {
  try {
    call();
    return true;
  } catch (err) {
    if (errnoOf(err) === error) return false;
    throw err;
  }
}
