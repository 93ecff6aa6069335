import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { session, SessionManager } from "../../src/index.ts";
import { isUnit } from "../support/project.ts";
import { turns } from "../support/turns.ts";
import { engines } from "./engines.ts";
import { workerdEngines } from "./more-engines.ts";

const all = isUnit ? engines : [...engines, ...(await workerdEngines())];
const isFull = Boolean(process.env["CI"] || process.env["HIPFLASK_FULL"]);
const seed = Number(process.env["HIPFLASK_SEED"] ?? Date.now() % 1_000_000);
let state = seed;
/** Repeatable randomness for waits. */
function random(): number {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return state / 2_147_483_648;
}

/** Tells by its name that a slow request has opened its session. */
const begun = new EventEmitter();

async function view(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [, action = "", argument = ""] = req.url!.split("/");
  if (action === "set") session[argument] = true;
  if (action === "count") session.transact("count", (count) => (count ?? 0) + 1);
  if (action === "logout") session.destroy();
  if (action === "flash") session.flash(argument);
  if (action === "slow") {
    begun.emit(argument);
    await sleep(random() * 4);
    session.late = true;
    await sleep(random() * 4);
  }
  const seen = action === "flashes" ? session.getFlashedMessages() : session.toJSON();
  res.setHeader("Content-Type", "application/json");
  res.end(JSON.stringify(seen));
}

describe.each(all.filter(({ skip }) => !skip))(
  `races over HTTP on $name, seed ${seed}`,
  ({ open, share = 1 }) => {
    /** The published figures in CI, a quick look otherwise. */
    const rounds = (full: number) => Math.ceil(full * (isFull ? share : 1 / 50));
    const engine = { close: async (): Promise<unknown> => undefined };
    const servers: { close(): void; closeAllConnections(): void }[] = [];
    let origin = "";
    /** As another process has it: a manager and a client of its own. */
    let elsewhere = "";
    let rotating = "";

    async function serve(manager: SessionManager): Promise<string> {
      const server = createServer(sessions(manager)(view)).listen(0, "127.0.0.1");
      servers.push(server);
      await once(server, "listening");
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    beforeAll(async () => {
      const { store, another, close } = await open();
      engine.close = close;
      const options = {
        secretKey: "a secret for races",
        store,
        storeOptions: { sweepEvery: 0, touchEvery: 0, storeTimeout: 30 },
      };
      origin = await serve(new SessionManager(options));
      elsewhere = await serve(new SessionManager({ ...options, store: another }));
      rotating = await serve(
        new SessionManager({
          ...options,
          store: another,
          storeOptions: { ...options.storeOptions, rotateAfter: 0.0001 },
        }),
      );
    });

    afterAll(async () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      await engine.close();
    });

    async function get(path: string, cookie = "", at = origin) {
      const response = await fetch(at + path, { headers: cookie === "" ? {} : { cookie } });
      const [line = ""] = response.headers.getSetCookie();
      return {
        status: response.status,
        line,
        cookie: line.split(";")[0]!,
        seen: (await response.json()) as Record<string, unknown> & string[],
      };
    }

    const parallel = <Result>(count: number, request: (at: number) => Promise<Result>) =>
      Promise.all(Array.from({ length: count }, (_, at) => request(at)));

    it(`loses none of ${rounds(200)} × 8 parallel writes to different keys`, async () => {
      for (let round = 0; round < rounds(200); round++) {
        const { cookie } = await get("/set/first");
        await parallel(8, (at) => get(`/set/k${at}`, cookie, at % 2 === 0 ? origin : elsewhere));
        expect(Object.keys((await get("/", cookie)).seen)).toHaveLength(9);
      }
    });

    it("counts 64 parallel transactions as 64", async () => {
      const { cookie } = await get("/set/first");
      await parallel(64, (at) => get("/count", cookie, at % 2 === 0 ? origin : elsewhere));
      expect((await get("/", cookie)).seen).toMatchObject({ count: 64 });
    });

    it(`does not undo one of ${rounds(800)} logouts by a slow write, nor send a cookie after it`, async () => {
      for (let round = 0; round < rounds(800); round++) {
        const { cookie } = await get("/set/first");
        const begins = once(begun, `r${round}`);
        const slow = get(`/slow/r${round}`, cookie);
        await begins;
        await sleep(random() * 8);
        const logout = await get("/logout", cookie, elsewhere);
        const { line } = await slow;
        expect([logout.line.includes("Max-Age=0"), line, (await get("/", cookie)).seen]).toEqual([
          true,
          "",
          {},
        ]);
      }
    });

    it(`loses no login in ${rounds(500)} × 8 parallel requests that rotate, and ends with one token`, async () => {
      for (let round = 0; round < rounds(500); round++) {
        const { cookie } = await get("/set/first", "", rotating);
        // The session has an age: engines tell time in whole milliseconds.
        const created = Date.now();
        while (Date.now() < created + 2) await turns(1);
        const answers = await parallel(8, (at) =>
          get(`/set/k${at}`, cookie, at % 2 === 0 ? rotating : origin),
        );
        const tokens = new Set(answers.map((answer) => answer.cookie).filter((token) => token !== ""));
        expect(tokens.size).toBe(1);
        expect(Object.keys((await get("/", [...tokens][0])).seen)).toHaveLength(9);
      }
    });

    it(`shows each of ${rounds(500)} messages once to parallel readers`, async () => {
      const { cookie } = await get("/set/first");
      for (let round = 0; round < rounds(500); round++) {
        await get(`/flash/m${round}`, cookie);
        const readers = await parallel(3, (at) =>
          get(at === 2 ? "/set/other" : "/flashes", cookie, at === 1 ? elsewhere : origin),
        );
        const shown = readers.slice(0, 2).flatMap(({ seen }) => seen);
        const later = shown.length === 0 ? (await get("/flashes", cookie)).seen : [];
        expect([...shown, ...later]).toEqual([`m${round}`]);
      }
    });
  },
);

describe.each(all.filter(({ skip }) => skip))("races over HTTP", ({ name }) => {
  it.skip(`on ${name}`); // oxlint-disable-line vitest/no-disabled-tests -- says so where an engine is missing
});
