import assert from "node:assert/strict";

/** Throws where an element is not closed by its own end, or text holds what it may not. */
export function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [tag, end, name = "", empty] of svg.matchAll(
    /<(\/?)([a-z]+)(?:\s+[\w-]+="[^"<]*")*\s*(\/?)>/g,
  )) {
    if (end === "/") assert.equal(open.pop(), name, `${tag} ends another element`);
    else if (empty !== "/") open.push(name);
  }
  assert.deepEqual(open, []);
  assert.equal(svg.replace(/<\/?[a-z]+(?:\s+[\w-]+="[^"<]*")*\s*\/?>/g, "").includes("<"), false);
  assert.doesNotMatch(svg, /&(?!amp;|lt;|gt;)/);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
}
