import { afterAll, beforeAll, expect, it } from "vitest";
import type { AppServer } from "./server.ts";
import type { Room, RuntimeStore } from "./stores.ts";

/** What is promised of stored sessions, held with servers of the app that keep theirs in the store. */
export function storeConversations(store: RuntimeStore, start: (url: string) => Promise<AppServer>): void {
  let room: Room | undefined;
  const servers: AppServer[] = [];
  /** The first server, and another process where the store can be shared. */
  let here: AppServer;
  let there: AppServer;

  beforeAll(async () => {
    room = await store.open();
    servers.push((here = await start(room.url)));
    if (store.isShared) servers.push(await start(room.url));
    there = servers.at(-1)!;
  }, 120_000);

  afterAll(async () => {
    for (const server of servers) server.close();
    await room?.close();
  });

  it("keeps data under a token, ends it at logout, and sets no token for strangers", async () => {
    expect(await here.visit("/")).toMatchObject({ body: "hello, stranger", line: "" });
    const { line, cookie } = await here.visit("/login/ada");
    expect(line).toMatch(/^session=[\w-]{16}\.[\w-]{43}; HttpOnly; Path=\/$/);
    expect(await there.visit("/", cookie)).toMatchObject({ body: "hello, ada", line: "" });
    expect((await there.visit("/logout", cookie)).line).toContain("Max-Age=0");
    expect((await here.visit("/", cookie)).body).toBe("hello, stranger");
  });

  it("carries Python's types, and what changed inside them", async () => {
    const { cookie } = await here.visit("/values");
    expect((await there.visit("/values", cookie)).body).toBe(
      "1,255 1970-01-01T00:00:00.000Z 1180591620717411303424 0,1",
    );
  });

  it("loses none of 16 parallel writes", async () => {
    const { cookie } = await here.visit("/set/a");
    const keys = Array.from("bcdefghijklmnopq");
    await Promise.all(keys.map((key, at) => (at % 2 === 0 ? here : there).visit(`/set/${key}`, cookie)));
    expect((await here.visit("/keys", cookie)).body).toBe(["a", ...keys].join());
  });

  it("counts 32 parallel transactions as 32", async () => {
    const { cookie } = await here.visit("/set/a");
    const counts = Array.from({ length: 32 }, (_, at) =>
      (at % 2 === 0 ? here : there).visit("/count", cookie),
    );
    expect((await Promise.all(counts)).map(({ status }) => status)).toEqual(counts.map(() => 200));
    expect((await there.visit("/count", cookie)).body).toBe("33");
  });

  it("waits for a writer that locks it, where one can", async () => {
    const { cookie } = await here.visit("/set/a");
    const unlock = await room!.lock?.();
    const write = here.visit("/set/b", cookie);
    // By the time of an answer to a later request the write has begun.
    await there.visit("/keys", cookie);
    unlock?.();
    expect((await write).status).toBe(200);
    expect((await there.visit("/keys", cookie)).body).toBe("a,b");
  });

  it("does not let a slow request bring back a session that was logged out meanwhile", async () => {
    const { cookie } = await here.visit("/login/ada");
    const slow = here.visit("/slow", cookie);
    await expect.poll(async () => (await here.visit("/begun")).body, { timeout: 30_000 }).toBe("1");
    await there.visit("/logout", cookie);
    await here.visit("/release");
    expect((await slow).line).toBe("");
    expect(await here.visit("/keys", cookie)).toMatchObject({ body: "", line: "" });
  });
}
