/**
 * A response that carries a session cookie is never turned into a 304 without it.
 *
 * - honojs/hono#1199: `etag()` keeps six headers of a response on a 304 and drops all others, Set-Cookie among them
 * - FreiFahren/FreiFahren#470: headers of inner middleware are lost that way
 */
import { Hono } from "hono";
import { etag } from "hono/etag";
import { describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/hono.ts";
import { session, type SessionOptions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";

function shop(options: SessionOptions, isOutside: boolean) {
  const app = new Hono();
  const ours = sessions({ secretKey: "etag", ...options });
  for (const middleware of isOutside ? [etag(), ours] : [ours, etag()]) app.use(middleware);
  app.get("/login", (c) => {
    session.username = "ada";
    return c.text("welcome");
  });
  app.get("/again", (c) => {
    session.regenerate({ keep: true });
    session.count = Number(session.count ?? 0) + 1;
    return c.text("the same text");
  });
  app.get("/own", (c) => {
    session.regenerate({ keep: true });
    session.count = Number(session.count ?? 0) + 1;
    return c.text("own", 200, { ETag: '"own"' });
  });
  app.get("/page", (c) => c.text(`hello, ${session.username}`));
  let cookie = "";
  return async (path: string, tag = "") => {
    const headers = { cookie, ...(tag && { "if-none-match": tag }) };
    const response = await app.request(path, { headers });
    for (const line of response.headers.getSetCookie()) cookie = line.split(";")[0]!;
    return response;
  };
}

describe.each<[string, () => SessionOptions]>([
  ["in a cookie", () => ({})],
  ["in a store", () => ({ store: memoryStore() })],
])("etag() of Hono, and sessions %s", (_, home) => {
  it.each([true, false])("lose no new cookie, with etag() outside: %s", async (isOutside) => {
    const get = shop(home(), isOutside);
    await get("/login");
    const first = await get("/again");
    const again = await get("/again", first.headers.get("etag") ?? '"none"');
    expect(again.headers.getSetCookie()).toHaveLength(1);
    expect(await (await get("/page")).text()).toBe("hello, ada");
    const own = await get("/own", 'W/"other", "own"');
    expect(own.headers.getSetCookie()).toHaveLength(1);
  });

  it("still answer 304 where the session did not change", async () => {
    const get = shop(home(), true);
    await get("/login");
    const tag = (await get("/page")).headers.get("etag")!;
    expect((await get("/page", tag)).status).toBe(304);
  });

  it("keep the handler's own tag where it does not match", async () => {
    const get = shop(home(), true);
    expect((await get("/own", '"another"')).headers.get("etag")).toBe('"own"');
  });
});
