import { constants, fstatSync, openSync } from "node:fs";
import { type FifoWriter, pipeWriter } from "../fifo.ts";

/**
 * A writer to one of this process's outputs that never blocks the process. A pipe or a terminal is opened anew
 * for that: to make the inherited descriptor itself non-blocking would change it for everybody who shares it,
 * and a blocking write to a reader that stalls would keep signals from being heard. Files do not block, and
 * what cannot be opened anew (a socket) goes by the runtime's own stream.
 */
export function openOutput(fd: 1 | 2): FifoWriter {
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isCharacterDevice()) {
    try {
      const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
      return pipeWriter(openSync(`/proc/self/fd/${fd}`, flags));
    } catch {
      // Not ours to open (a terminal of another user); the stream below writes to it all the same.
    }
  }
  return streamWriter(fd === 1 ? process.stdout : process.stderr);
}

function streamWriter(stream: NodeJS.WriteStream): FifoWriter {
  // Each failure reaches whoever writes; the event of the same failure has nothing to add.
  stream.on("error", () => {});
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => {},
  };
}
