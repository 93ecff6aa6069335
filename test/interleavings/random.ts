import { hash } from "node:crypto";

/** Stands in for the platform's random source: each request has numbers of its own, the same at every run. */
let current: (bytes: number) => Buffer;

export function ownRandom(name: string): (bytes: number) => Buffer {
  let count = 0;
  return (bytes) => Buffer.from(hash("sha512", `${name} ${count++}`, "buffer").subarray(0, bytes));
}

/** From now on, random numbers are those of this request. */
export function useRandom(random: (bytes: number) => Buffer): void {
  current = random;
}

export function seededRandom(bytes: number): Buffer {
  return current(bytes);
}
