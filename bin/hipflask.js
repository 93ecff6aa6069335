#!/usr/bin/env node
import { main } from "../dist/cli/main.js";
import { processTerminal } from "../dist/cli/terminal.js";

// An exit rather than an exit code: a client that still tries to reach its server would keep the process alive.
process.exit(await main(process.argv.slice(2), processTerminal()));
