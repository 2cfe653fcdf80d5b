import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import type { Libc } from "../linux/libc.ts";
import { shortenLowerDirs } from "./lower-dirs.ts";
import { fitsContext, mountOverlayByContext, type OverlayCall } from "./overlay-context.ts";

/** The most that mount(2) reads of its data: a page, less the closing zero byte. */
export const MAX_DATA_BYTES = 4095;

/** Mounts by mount(2) where the options fit into it, else in the way that has room for them. */
export async function mountCall(libc: Libc, call: OverlayCall): Promise<void> {
  const { source, target, type, flags, options } = call;
  const data = options.join(",");
  if (Buffer.byteLength(data) <= MAX_DATA_BYTES) return libc.mount({ source, target, type, flags, data });
  if (!fitsContext(call)) return mountShortened(libc, call);
  try {
    await mountOverlayByContext(libc, call);
  } catch (err) {
    // A kernel without it, or one that does not like the options; it says the same of them in the other form.
    const refused = hasCode(err, StatusCode.unimplemented) || hasCode(err, StatusCode.invalidArgument);
    if (!refused) throw err;
    await mountShortened(libc, call).catch((thrown: unknown) => {
      const { code, message } = StatusError.from(thrown);
      throw new StatusError(code, `${message} (before: ${err.message})`, { cause: thrown });
    });
  }
}

/** For kernels that take a page of options and no more; there is room for some 210 layers then. */
async function mountShortened(libc: Libc, call: OverlayCall): Promise<void> {
  const { source, target, type, flags } = call;
  const { options, close } = await shortenLowerDirs(call.options);
  try {
    const data = options.join(",");
    const bytes = Buffer.byteLength(data);
    if (bytes > MAX_DATA_BYTES) {
      const message = `mount ${type} on ${target}: ${bytes} bytes of options, of which the kernel reads ${MAX_DATA_BYTES}: too many layers`;
      throw new StatusError(StatusCode.invalidArgument, message);
    }
    await libc.mount({ source, target, type, flags, data });
  } finally {
    close();
  }
}
