/**
 * How this program is called again, whatever name it was installed under: the executable itself where it was
 * compiled into one, else the runtime with the source file.
 */
export function selfCommand(): [string, ...string[]] {
  const main = process.argv[1] ?? "";
  return main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, main];
}
