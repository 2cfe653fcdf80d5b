/** The colours that are used, by their numbers in SGR (ECMA-48). */
const CODES = { green: 32, yellow: 33, red: 31, grey: 90, bold: 1 } as const;

/** One of the colours. */
export type Colour = keyof typeof CODES;

/** What is known of where a text goes. */
type Output = Pick<NodeJS.WriteStream, "isTTY">;

/**
 * Whether a text for this output may have colours: it is a terminal that knows them, and who calls has not set
 * NO_COLOR (https://no-color.org).
 */
export function hasColour(output: Output, env: NodeJS.ProcessEnv = process.env): boolean {
  return output.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** A text in a colour. */
export function paint(text: string, colour: Colour): string {
  return `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}
