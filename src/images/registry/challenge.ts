/** One way in which a server wants to be told who asks (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
const PARAMETER = new RegExp(`[\\s,]*(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`, "y");
const SCHEME = new RegExp(`[\\s,]*(${TOKEN})(?=[\\s,]|$)(?:[ \\t]+[\\w.~+/-]+=*(?=[ \\t]*(?:,|$)))?`, "y");

/** The challenges in a WWW-Authenticate header, as far as it can be understood. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (let at = 0; at < header.length; ) {
    const current = challenges.at(-1);
    const parameter = match(PARAMETER, header, at);
    if (parameter !== undefined && current !== undefined) {
      const [whole, name = "", quoted, plain = ""] = parameter;
      current.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain;
      at += whole.length;
      continue;
    }
    const scheme = match(SCHEME, header, at);
    if (scheme === undefined) break;
    challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: {} });
    at += scheme[0].length;
  }
  return challenges;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
