/** Milliseconds of work that this process has done: what something costs, also on a machine that does other things. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
