/** `npm run package`: builds, and packs what it built. Arguments go to `npm pack`, which by itself packs what is there. */
import { build } from "./build.mjs";
import { setUpPackages } from "./setup.mjs";
import { run } from "./steps.mjs";

setUpPackages();
build();
run("npm", ["pack", ...process.argv.slice(2)]);
