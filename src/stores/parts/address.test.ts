import { describe, expect, it } from "vitest";
import { addressOf, hostOf } from "./address.ts";

describe("hostOf", () => {
  it.each([
    ["redis://127.0.0.1:6379/0", "127.0.0.1:6379"],
    ["postgres://ada:secret@db.example:5432/app?options=x", "db.example:5432"],
    ["mysql://ada:s@cret@db.example/app", "db.example"],
    ["postgres:///app", undefined],
    // Here `/`, `?` or `#` may end the host, or belong to the password.
    ["redis://ada:1234/secret@db.example", undefined],
    ["redis://ada:1234#secret@db.example", undefined],
    ["postgres://db.example/app?password=s@cret", undefined],
    ["nonsense", undefined],
  ])("%s is at %s", (url, host) => {
    expect(hostOf(url)).toBe(host);
  });
});

describe("addressOf", () => {
  it.each([
    ["pg", { options: { host: "db", port: 5432, password: "secret" } }, "db:5432"],
    ["pg by URL", { options: { connectionString: "postgres://a:secret@db:1/x" } }, "db:1"],
    ["ioredis", { options: { host: "db", port: 6379, password: "secret" } }, "db:6379"],
    [
      "ioredis by Sentinel",
      { options: { host: "localhost", port: 6379, sentinels: [{ host: "s", port: 26379 }] } },
      "s:26379",
    ],
    ["ioredis by socket", { options: { path: "/run/redis.sock", host: "localhost" } }, "/run/redis.sock"],
    ["@redis/client", { options: { socket: { host: "db", port: 1 }, password: "secret" } }, "db:1"],
    ["a cluster", { _options: { rootNodes: [{ url: "redis://a:secret@db:7" }] } }, "db:7"],
    ["a cluster of ioredis", { startupNodes: [{ host: "db", port: 7 }] }, "db:7"],
    ["postgres.js", { options: { host: ["db"], port: [5432], pass: "secret" } }, "db:5432"],
    ["memcached", { servers: ["db:11211"] }, "db:11211"],
    ["mongodb", { client: { options: { hosts: [{ host: "db", port: 27017 }] } } }, "db:27017"],
    ["mysql2", { pool: { config: { connectionConfig: { host: "db", port: 3306 } } } }, "db:3306"],
    [
      "a client that is a function",
      Object.assign(() => {}, { options: { host: ["db"], port: [5432] } }),
      "db:5432",
    ],
    ["IPv6", { options: { host: "::1", port: 6379 } }, "::1:6379"],
    ["a URL as the host", { options: { host: "postgres://app:secret@db/shop" } }, undefined],
    ["a password in the host", { options: { host: "app:secret@db", port: 1 } }, undefined],
    ["a password in the port", { options: { host: "db", port: "5432?password=secret" } }, "db"],
    ["a URL as the path", { options: { path: "redis://:secret@db" } }, undefined],
    ["anything else", { options: 1, pool: null }, undefined],
    ["nothing", undefined, undefined],
  ])("%s", (_, client, address) => {
    expect(addressOf("Engine", client)).toBe(address === undefined ? "Engine" : `Engine at ${address}`);
  });
});
