/**
 * A logout closes all sockets of the session, even if the listener of one of them throws.
 *
 * - Itiviti/simple-slack-api#124: where one listener throws, those after it are not called
 * - B3Pay/ic-reactor#513: stopping one listener stops another; stopping twice has to do nothing
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { sessions } from "../../src/adapters/socket.ts";
import { ConfigError, session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";

const managers: SessionManager[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const manager of managers.splice(0)) await manager.close();
});

async function start(owners: readonly string[]) {
  const manager = new SessionManager({ secretKey: "listeners", store: memoryStore() });
  managers.push(manager);
  const cookies: string[] = [];
  for (const owner of owners) {
    const headers = new Headers();
    const context = manager.requestContext({ headers: new Headers() });
    context.run(() => (session.owner = owner));
    await context.save({ headers });
    cookies.push(headers.getSetCookie()[0]!.split(";", 1)[0]!);
  }
  const { fromRequest } = sessions(manager);
  const open = (cookie: string) => fromRequest(new Request("http://localhost/", { headers: { cookie } }));
  return { manager, sockets: await Promise.all(cookies.map(open)), again: () => open(cookies[0]!) };
}

describe("what one listener throws", () => {
  it.each<[string, () => unknown]>([
    [
      "at once",
      () => {
        throw new Error("closed twice");
      },
    ],
    ["later", () => Promise.reject(new Error("closed twice"))],
  ])("%s keeps no other from being called, and a logout from nothing", async (_, listener) => {
    const told: string[] = [];
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const { manager, sockets } = await start(["ada", "ada", "ada"]);
    const [first, second, third] = sockets;
    first!.onDestroyed(listener as () => void);
    first!.onDestroyed(() => told.push("first"));
    second!.onDestroyed(listener as () => void);
    second!.onDestroyed(() => told.push("second"));
    third!.onDestroyed(() => told.push("third"));
    expect(await manager.destroyAll("ada")).toBe(3);
    expect(told.toSorted()).toEqual(["first", "second", "third"]);
    await expect.poll(() => logged.mock.calls.flat()).toEqual([expect.any(Error), expect.any(Error)]);
  });
});

describe("what stops a listener", () => {
  it("stops that one alone, however often it is called", async () => {
    const told: string[] = [];
    const { manager, sockets, again } = await start(["ada"]);
    const stop = sockets[0]!.onDestroyed(() => told.push("gone"));
    stop();
    // A socket reports an error, its browser connects again, and then the socket reports its end.
    (await again()).onDestroyed(() => told.push("told"));
    stop();
    await manager.destroyAll("ada");
    expect(told).toEqual(["told"]);
  });
});

describe("a listener", () => {
  it.each([undefined, null, {}, "close", Promise.resolve()])("cannot be %j", async (listener) => {
    const { manager, sockets } = await start(["ada"]);
    const stranger = await sessions(manager).fromRequest(new Request("http://localhost/"));
    for (const one of [...sockets, stranger])
      expect(() => one.onDestroyed(listener as never)).toThrow(ConfigError);
    expect(() => manager.onDestroyed("AAAAAAAAAAAAAAAA", listener as never)).toThrow(ConfigError);
  });
});
