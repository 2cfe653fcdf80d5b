/** A number of a control group's files: a bigint where a double would lose digits. */
export type Count = number | bigint;

/** What `max`, which means no limit, is on v2: the largest number of the type. */
export const UNLIMITED = 2n ** 64n - 1n;

/** How many of an RDMA device's things are unlimited: the largest number of that type. */
const RDMA_UNLIMITED = 2 ** 32 - 1;

/** A number as its file has it. Nothing, what is no number and what is below zero is 0; `max` is what the caller says. */
export function parseCount(text: string | undefined, max: Count = 0): Count {
  const digits = text?.trim() ?? "";
  if (digits === "max") return max;
  if (!/^\d{1,20}$/.test(digits)) return 0;
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}

/** A file of lines `name value`. */
export function parseNamed(text: string | undefined): ReadonlyMap<string, Count> {
  const pairs = linesOf(text).map((line) => line.split(" "));
  return new Map(pairs.map(([name = "", value]) => [name, parseCount(value)]));
}

/** For each field, by the table, the value of the name that it has in the file; 0 where that is not there. */
export function pick<Field extends string>(
  values: ReadonlyMap<string, Count>,
  names: Readonly<Record<Field, string>>,
): Record<Field, Count> {
  const fields = Object.entries<string>(names).map(([field, name]) => [field, values.get(name) ?? 0]);
  return Object.fromEntries(fields) as Record<Field, Count>;
}

/** What one device of `rdma.current` or `rdma.max` has. */
export interface RdmaEntry {
  readonly device: string;
  readonly hcaHandles: number;
  readonly hcaObjects: number;
}

/** `rdma.current` or `rdma.max`: lines `mlx4_0 hca_handle=2 hca_object=max`. */
export function parseRdma(text: string | undefined): RdmaEntry[] {
  return linesOf(text).map((line) => {
    const [device = "", ...pairs] = line.split(" ");
    const values = parsePairs(pairs, RDMA_UNLIMITED);
    const number = (name: string) => Number(values.get(name) ?? 0);
    return { device, hcaHandles: number("hca_handle"), hcaObjects: number("hca_object") };
  });
}

/** Words `name=value`. */
export function parsePairs(words: readonly string[], max: Count = 0): ReadonlyMap<string, Count> {
  const pairs = words.map((word) => word.split("="));
  return new Map(pairs.map(([name = "", value]) => [name, parseCount(value, max)]));
}

/** The lines of a file that are not empty. */
export function linesOf(text: string | undefined): string[] {
  return (text ?? "").split("\n").filter((line) => line.trim() !== "");
}
