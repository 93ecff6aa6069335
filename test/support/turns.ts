/**
 * Lets everything go on that can, without a clock: a byte that was written to a connection of this process has come to its
 * other end by then.
 */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Calls back after some turns. */
export async function afterTurns(callback: () => unknown, count?: number): Promise<void> {
  await turns(count);
  callback();
}
