import type { StdioUri } from "./stdio-uri.ts";

/** A logger's command line and whole environment. */
export interface LoggerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Parameters of this prefix are variables of the environment, not arguments. */
const ENV_PREFIX = "env.";

/**
 * How a logger is called: the URI's path with each of its parameters as two arguments, name and value, and with
 * those that begin with `env.` in its environment. That has nothing else but whose output it is.
 */
export function loggerCommand(
  uri: StdioUri,
  { namespace, id }: { readonly namespace: string; readonly id: string },
): LoggerCommand {
  const parameters = [...uri.query];
  const isVariable = ([name]: [string, string]) => name.startsWith(ENV_PREFIX);
  const variables = parameters.filter(isVariable);
  return {
    file: uri.path,
    args: parameters.filter((parameter) => !isVariable(parameter)).flat(),
    env: {
      ...Object.fromEntries(variables.map(([name, value]) => [name.slice(ENV_PREFIX.length), value])),
      CONTAINER_ID: id,
      CONTAINER_NAMESPACE: namespace,
    },
  };
}
