import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  getSession,
  loadSession,
  OutsideRequestError,
  requireFresh,
  session,
  SessionManager,
  SessionNotLoadedError,
  StoreError,
  type Session,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { cookieSession } from "../../src/accepts.ts";
import { apps } from "./apps.ts";
import { recorded, type StoreCall, watched } from "./recorded.ts";
import { Visitor, visitorOf } from "./visitor.ts";

// Express tells of every error it answers.
vi.spyOn(console, "error").mockReturnValue();

let ada: Visitor;
let calls: StoreCall[];
let manager: SessionManager;
let broken: Error | undefined;

const verbs = () => calls.map(({ verb }) => verb);

beforeEach(async () => {
  broken = undefined;
  const { store, calls: made } = recorded(
    watched(memoryStore(), (step) => {
      if (step === "read" && broken) return Promise.reject(broken);
    }),
  );
  calls = made;
  manager = new SessionManager({ secretKey: "s", store, storeOptions: { lazy: true, sweepEvery: 0 } });
  ada = new Visitor(manager);
  await ada.visit(() => (session.username = "ada"));
  calls.length = 0;
});

describe("lazy", () => {
  it("asks the store nothing for a request that does not load its session, and leaves no trace in its answer", async () => {
    expect(await ada.visit(() => "logo")).toEqual({ seen: "logo", cookies: [], vary: null });
    expect(verbs()).toEqual([]);
  });

  it("fetches once, however many ask, and then all is as ever", async () => {
    const { seen } = await ada.visit(async () => {
      await Promise.all([loadSession(), loadSession(), loadSession()]);
      session.visits = 1;
      return session.username;
    });
    expect(seen).toBe("ada");
    expect(verbs()).toEqual(["read", "replace"]);
    expect((await ada.visit(async () => (await loadSession()).toJSON())).seen).toEqual({
      username: "ada",
      visits: 1,
    });
  });

  const uses: Array<[string, (session: Session) => unknown]> = [
    ["a property", ({ username }) => username],
    ["in", (session) => "username" in session],
    ["a write", (session) => (session.username = "eve")],
    ["delete", (session) => delete session.username],
    ["keys", (session) => [...session.keys()]],
    ["toJSON", (session) => session.toJSON()],
    ["size", (session) => session.size],
    ["isNew", (session) => session.isNew],
    ["owner", (session) => session.owner],
    ["a login", (session) => (session.owner = "eve")],
    ["destroy", (session) => session.destroy()],
    ["flash", (session) => session.flash("hi")],
  ];
  it.each(uses)("throws at %s before that, and changes nothing", async (_, use) => {
    await ada.visit(() => expect(() => use(getSession())).toThrow(SessionNotLoadedError));
    expect(verbs()).toEqual([]);
    expect((await ada.visit(async () => (await loadSession()).toJSON())).seen).toEqual({ username: "ada" });
  });

  it("has the session of a visitor without a cookie at once", async () => {
    const eve = new Visitor(manager);
    expect((await eve.visit(() => session.isNew)).seen).toBe(true);
    await eve.visit(() => (session.username = "eve"));
    expect(verbs()).toEqual(["insert"]);
  });

  it("ends at logout as ever", async () => {
    const { cookies } = await ada.visit(async () => (await loadSession()).destroy());
    expect(cookies[0]).toContain("Max-Age=0");
    expect(verbs()).toEqual(["read", "remove"]);
  });

  it("rejects while the store is down, and can be asked again in the same request", async () => {
    broken = new StoreError("unavailable", "down on purpose");
    const { seen } = await ada.visit(async () => {
      await expect(loadSession()).rejects.toThrow(StoreError);
      broken = undefined;
      return (await loadSession()).username;
    });
    expect(seen).toBe("ada");
  });

  it("looks for a session of ours before it takes one from another library's cookie", async () => {
    const accepts = [cookieSession({ keys: ["k"] })];
    const store = memoryStore();
    const moving = new Visitor(
      new SessionManager({ secretKey: "s", store, storeOptions: { lazy: true, sweepEvery: 0 }, accepts }),
    );
    await moving.visit(() => (session.username = "ada"));
    const [cookie] = moving.cookie.split(";");
    const header = `${cookie}; session.sig=x`;
    expect((await moving.visit(() => session.username, { cookie: header })).seen).toBe("ada");
  });
});

describe("loadSession", () => {
  it("gives the session at once where nothing is lazy", async () => {
    const eager = visitorOf({ store: memoryStore() });
    await eager.visit(() => (session.a = 1));
    expect((await eager.visit(async () => (await loadSession()).a)).seen).toBe(1);
    const cookies = visitorOf({});
    await cookies.visit(async () => ((await loadSession()).a = 2));
    expect(await cookies.data()).toEqual({ a: 2 });
  });

  it("finds the session by the framework's own object", async () => {
    const request = {};
    const context = manager.requestContext({ headers: new Headers({ Cookie: ada.cookie }) }, request);
    expect((await loadSession(request)).username).toBe("ada");
    expect(context.session.username).toBe("ada");
  });

  it("works during a request only", async () => {
    await expect(loadSession()).rejects.toThrow(OutsideRequestError);
  });
});

describe.each(Object.entries(apps))("a lazy store behind %s", (_, serve) => {
  it("is read only on paths that load the session, and a use before that is an error", async () => {
    const { store, calls } = recorded(memoryStore());
    const server = await serve(
      new SessionManager({ secretKey: "s", store, storeOptions: { lazy: true, sweepEvery: 0 } }),
      async (path) => {
        if (path === "/logo") return "logo";
        if (path !== "/early") await loadSession();
        if (path === "/login") session.owner = "ada";
        if (path === "/pay") requireFresh(300);
        return String(session.owner);
      },
    );
    const get = async (path: string, cookie = "") => {
      calls.length = 0;
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        headers: { cookie },
        redirect: "manual",
      });
      await response.text();
      const [line = ""] = response.headers.getSetCookie();
      return { status: response.status, cookie: line.split(";")[0]!, verbs: calls.map(({ verb }) => verb) };
    };
    expect(await get("/pay")).toEqual({ status: 403, cookie: "", verbs: [] });
    const { cookie } = await get("/login");
    expect(await get("/logo", cookie)).toEqual({ status: 302, cookie: "", verbs: [] });
    expect(await get("/early", cookie)).toEqual({ status: 500, cookie: "", verbs: [] });
    expect(await get("/pay", cookie)).toEqual({ status: 302, cookie: "", verbs: ["read"] });
    await server.close();
  });
});
