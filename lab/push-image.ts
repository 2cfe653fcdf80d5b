import { readFileSync } from "node:fs";
import path from "node:path";
import type { Descriptor } from "./image.ts";

/** A registry to push to. */
export interface PushTarget {
  /** Host and port; it is spoken to without TLS. */
  readonly host: string;
  readonly user: { readonly username: string; readonly password: string } | undefined;
}

/** What an image pushed to a registry is. */
export interface PushedImage {
  /** The name to pull it by: `HOST/NAME:TAG`. */
  readonly reference: string;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Pushes the one image of an OCI image layout under a name (`test/app:1`). */
export async function pushImage(target: PushTarget, layout: string, name: string): Promise<PushedImage> {
  const [repository = "", tag = "latest"] = name.split(":");
  const blob = (digest: string) => readFileSync(path.join(layout, "blobs", digest.replace(":", "/")));
  const manifest: Descriptor = JSON.parse(readFileSync(path.join(layout, "index.json"), "utf8")).manifests[0];
  const text = blob(manifest.digest);
  const { config, layers } = JSON.parse(text.toString("utf8"));
  for (const { digest } of [config, ...layers]) {
    const started = await send(target, "POST", `/v2/${repository}/blobs/uploads/`);
    const place = new URL(started.headers.get("location") ?? "", started.url);
    place.searchParams.set("digest", digest);
    await send(target, "PUT", `${place.pathname}${place.search}`, { content: blob(digest) });
  }
  const body = { content: text, type: manifest.mediaType };
  await send(target, "PUT", `/v2/${repository}/manifests/${tag}`, body);
  return { reference: `${target.host}/${repository}:${tag}`, manifest, config, layers };
}

interface Body {
  readonly content: Buffer;
  readonly type?: string;
}

async function send({ host, user }: PushTarget, method: string, place: string, body?: Body) {
  const who = user && Buffer.from(`${user.username}:${user.password}`).toString("base64");
  const headers = {
    connection: "close",
    "content-type": body?.type ?? "application/octet-stream",
    ...(who && { authorization: `Basic ${who}` }),
  };
  const content = body && { body: new Uint8Array(body.content) };
  const response = await fetch(`http://${host}${place}`, { method, headers, ...content });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${place}: ${response.status} ${answer}`);
  return response;
}
