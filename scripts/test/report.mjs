/** What a test file came to, from the JUnit report that both runtimes write. */
import { existsSync, readFileSync } from "node:fs";

const ENTITIES = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&#39;": "'",
  "&#10;": " ",
  "&amp;": "&",
};

/**
 * What a report counts, with the names of the tests that failed or were skipped. A file that ended otherwise than
 * well counts as one more failure where no test of it does.
 */
export function readReport(file, ending) {
  const xml = existsSync(file) ? readFileSync(file, "utf8") : "";
  const cases = xml.match(/<testcase\b[^>]*?(?:\/>|>[\s\S]*?<\/testcase>)/g) ?? [];
  const skipped = cases.filter((text) => text.includes("<skipped")).map(nameOf);
  const failed = cases.filter((text) => /<(failure|error)\b/.test(text)).map(nameOf);
  const passed = cases.length - skipped.length - failed.length;
  if (xml === "") failed.push(`(no report: ${ending === "" ? "exit status 0" : ending})`);
  else if (failed.length === 0 && ending !== "") failed.push(`(the file: ${ending})`);
  return { passed, failed, skipped };
}

function nameOf(text) {
  const name = /\bname="([^"]*)"/.exec(text)?.[1] ?? "?";
  return name.replace(/&[#\w]+;/g, (entity) => ENTITIES[entity] ?? entity);
}
