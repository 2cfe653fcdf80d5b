import { singleFlight } from "./single-flight.ts";

/** What is to be there in the end, and what it is made from. */
export interface FlightOfSource {
  readonly key: string;
  readonly source: string;
}

/**
 * The same as {@link singleFlight} for what can come from several sources, of which one may be wrong: the result is for
 * all who ask for the key, whatever they would make it from, but an error only for those who have the same source. The
 * others try theirs then, still one at a time.
 */
export async function singleFlightBySource<T>(
  directory: string,
  { key, source }: FlightOfSource,
  work: (signal: AbortSignal) => Promise<T>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<T> {
  const ours = (signal: AbortSignal) =>
    singleFlight(directory, key, work, { signal, ignoresErrorsOfOthers: true });
  return await singleFlight(directory, `${key} from ${source}`, ours, options);
}
