#!/usr/bin/env node
/** The `ebb` command. */
import { runCommandLine } from "./program.ts";

// What is still open (a stdin that nobody ends) must not keep the process once all is done.
void runCommandLine(process.argv.slice(2)).then((status) => process.exit(status));
