import { randomFillSync } from "node:crypto";

/** Random bytes are requested 4 KiB at a time, since each system call is slow. */
const pool = Buffer.alloc(4096);
let used = pool.length;

/** Random bytes from the platform, for tokens and commit ids. */
export function pooledRandom(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const taken = Buffer.from(pool.subarray(used, used + bytes));
  pool.fill(0, used, used + bytes);
  used += bytes;
  return taken;
}
