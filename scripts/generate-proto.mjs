/**
 * Generates the message classes, their declarations and the service descriptors from proto/:
 * `node scripts/generate-proto.mjs [directory]`; without one, into src/proto/generated. The same sources give
 * the same bytes. What is of ebb alone goes into files of its own, as the shim has no use for it.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { root } from "./steps.mjs";

const require = createRequire(import.meta.url);
const protobuf = require("protobufjs");
const pbjs = require("protobufjs-cli/pbjs");

const PROTO_DIR = path.join(root, "proto");
const MARK = "// Generated from proto/ by scripts/generate-proto.mjs; edit those, not this.\n";

/** Encode, decode and create alone. 64-bit fields are numbers: src/proto/wire.ts says what that means for large ones. */
const OPTIONS = {
  target: "static-module",
  wrap: "esm",
  "force-number": true,
  verify: false,
  convert: false,
  delimited: false,
  typeurl: false,
  service: false,
};

/** What is generated together: the .proto files, and how the files made of them are named. */
const SETS = [
  {
    root: "ebb",
    has: (name) => !name.startsWith("ebb/") && !name.startsWith("io/"),
    messages: "messages",
    services: "services",
  },
  // Nearly half of all code, which a shim needs when it is first asked for figures.
  { root: "ebb-metrics", has: (name) => name.startsWith("io/"), messages: "metrics-messages" },
  {
    root: "ebb-own",
    has: (name) => name.startsWith("ebb/"),
    messages: "ebb-messages",
    services: "ebb-services",
  },
];

/** Reads the .proto files of a set, in a fixed order, into a tree of its own. */
function loadTree(set) {
  // protobufjs has copies of Any and others that it would take in place of ours; theirs say type_url, not typeUrl.
  for (const name of Object.keys(protobuf.common)) if (name.endsWith(".proto")) delete protobuf.common[name];
  const tree = new protobuf.Root();
  tree.resolvePath = (_origin, target) => path.resolve(PROTO_DIR, target);
  const files = readdirSync(PROTO_DIR, { recursive: true }).filter((name) => name.endsWith(".proto"));
  return tree.loadSync(files.filter(set.has).sort(), { alternateCommentMode: true }).resolveAll();
}

/** The classes, without comments, on top of src/proto/wire.ts. */
async function messages(set) {
  const text = await promisify(pbjs.generate)(loadTree(set), {
    ...OPTIONS,
    root: set.root,
    comments: false,
    dependency: "../wire.js",
  });
  const lazy = madeWhenUsed(text);
  if (lazy === text) throw new Error("pbjs writes classes in another form than it did: CLASS finds none");
  return MARK + lazy;
}

/** A class as pbjs writes it: how far it is indented, what holds it, its name, and the body of what makes it. */
const CLASS =
  /^( *)(\w+)\.(\w+) = \(function\(\) \{\n\n(\1 {4}const \3 = function \(properties\) \{\n.*?)^\1\}\)\(\);$/gms;

/** Has each class made when it is first used (`lazily` in src/proto/wire.ts), those within another as well. */
function madeWhenUsed(text) {
  return text.replaceAll(CLASS, (_, indent, holder, name, body) => {
    const head = `${indent}$protobuf.lazily(${holder}, "${name}", function() {\n\n`;
    return `${head}${madeWhenUsed(body)}${indent}});`;
  });
}

/** The declarations, made from the comments of a second copy of the classes. */
async function declarations(set) {
  const options = {
    ...OPTIONS,
    root: set.root,
    comments: true,
    dependency: "protobufjs/minimal.js",
    dts: true,
  };
  const text = await new Promise((resolve, reject) => {
    pbjs.generate(loadTree(set), options, (error, _classes, types) =>
      error ? reject(error) : resolve(types),
    );
  });
  // pbts always imports Long; where 64-bit fields are numbers, nothing uses it.
  return MARK + text.replace('import Long = require("long");\n', "");
}

/** Every service below a namespace, in the order of their full names. */
function services(namespace) {
  const inner = namespace.nestedArray.flatMap((nested) =>
    nested instanceof protobuf.Service
      ? [nested]
      : nested instanceof protobuf.Namespace
        ? services(nested)
        : [],
  );
  return inner.sort((a, b) => (a.fullName < b.fullName ? -1 : 1));
}

/** The name a service is exported by: taskV2 for containerd.task.v2.Task, events where no version tells two apart. */
function exportName(service, all) {
  const name = service.name[0].toLowerCase() + service.name.slice(1);
  const alone = all.filter((other) => other.name === service.name).length === 1;
  return alone ? name : `${name}${service.parent.name.toUpperCase()}`;
}

function methodKind({ requestStream, responseStream }) {
  if (requestStream) return responseStream ? "bidiStream" : "clientStream";
  return responseStream ? "serverStream" : "unary";
}

function methodLine(method) {
  const key = method.name[0].toLowerCase() + method.name.slice(1);
  const type = (resolved) => resolved.fullName.slice(1);
  const { resolvedRequestType: input, resolvedResponseType: output } = method.resolve();
  const fields = [
    `name: "${method.name}"`,
    `kind: "${methodKind(method)}"`,
    `get input() { return ${type(input)}; }`,
    `get output() { return ${type(output)}; }`,
  ];
  return `    ${key}: { ${fields.join(", ")} },`;
}

/** The service descriptors, from the service definitions. */
function descriptors(set) {
  const tree = loadTree(set);
  const all = services(tree);
  const blocks = all.map((service) => {
    const fullName = service.fullName.slice(1);
    const head = `/** The methods of ${fullName}. */\nexport const ${exportName(service, all)} = {`;
    const methods = service.methodsArray.map(methodLine).join("\n");
    return `${head}\n  name: "${fullName}",\n  methods: {\n${methods}\n  },\n} as const;\n`;
  });
  const text = blocks.join("\n");
  const packages = tree.nestedArray
    .map(({ name }) => name)
    .filter((name) => text.includes(`return ${name}.`));
  return `${MARK}import { ${packages.sort().join(", ")} } from "./${set.messages}.js";\n\n${text}`;
}

const target = path.resolve(process.argv[2] ?? path.join(root, "src/proto/generated"));
mkdirSync(target, { recursive: true });
for (const set of SETS) {
  writeFileSync(path.join(target, `${set.messages}.js`), await messages(set));
  writeFileSync(path.join(target, `${set.messages}.d.ts`), await declarations(set));
  if (set.services !== undefined) writeFileSync(path.join(target, `${set.services}.ts`), descriptors(set));
}
