/**
 * How this program is called again, whatever name it was installed under: the executable itself where it was
 * compiled into one, else the runtime with the source file.
 */
export function selfCommand(): [string, ...string[]] {
  const isCompiled = process.argv[1]?.startsWith("/$bunfs/") === true;
  // Not what the runtime was called with, which may be a test.
  return isCompiled ? [process.execPath] : [process.execPath, new URL("./main.ts", import.meta.url).pathname];
}
