/**
 * The platform's zlib, loaded with the first compressed payload: importing it takes a third of the time that everything
 * else here takes, and most cookies are not compressed.
 */
export function zlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}
