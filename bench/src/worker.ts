/**
 * One measured library in a process of its own, so that no library's shape of objects slows down another. Reads
 * commands as lines of JSON on stdin and answers each with one line on stdout; see `worker-client.ts` for the other end
 * and `flask-worker.py` for the same in Python.
 *
 * Usage: node worker.js <module in subjects/>
 */
import { createInterface } from "node:readline";
import { allocate, time, type Cells, type Pair, type Reading } from "./measure.ts";
import type { Command } from "./worker-client.ts";

const { cells } = (await import(`./subjects/${process.argv[2]}.js`)) as { cells: Cells };
const pairs = new Map<string, Pair>();

async function obey({ cell, verb, amount }: Command): Promise<Reading> {
  const pair = pairs.get(cell) ?? (await cells[cell]!());
  pairs.set(cell, pair);
  const measure = verb === "allocate" ? allocate : time;
  return { baseline: await measure(pair.baseline, amount), subject: await measure(pair.subject, amount) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await obey(JSON.parse(line)).catch((error: unknown) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
