import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { getSession, hasSession, session } from "./context.ts";
import { OutsideRequestError, SessionClosedError } from "../errors.ts";
import { SessionManager } from "../manager/manager.ts";
import { streamWithContext } from "./stream-with-context.ts";

const manager = new SessionManager({ secretKey: "dev" });
const begin = (cookie = "", ...keys: object[]) =>
  manager.requestContext({ headers: new Headers({ Cookie: cookie }) }, ...keys);

describe("session", () => {
  it.each<[string, () => unknown]>([
    ["a property", () => session.username],
    ["an assignment", () => (session.username = "ada")],
    ["in", () => "username" in session],
    ["delete", () => delete session.username],
    ["a method", () => session.get("username")],
    ["size", () => session.size],
    ["a flag", () => session.permanent],
    ["Object.keys", () => Object.keys(session)],
    ["iteration", () => [...session]],
    ["flash", () => session.flash("hi")],
    ["getSession", () => getSession()],
    ["getSession of a foreign request", () => getSession({})],
    ["streamWithContext", () => streamWithContext([])],
  ])("throws outside of a request: %s", (_, use) => {
    expect(use).toThrow(OutsideRequestError);
  });

  it("can be logged anywhere", () => {
    expect(inspect(session)).toBe("Session { outside of a request }");
    expect(hasSession()).toBe(false);
    begin().run(() => {
      expect(hasSession()).toBe(true);
      session.username = "ada";
      expect(inspect(session)).toBe('Session { "username" }');
    });
  });

  it("is the session of the request, whichever way one gets it", () => {
    const request = {};
    const context = begin("", request);
    context.run(() => {
      session.username = "ada";
      expect(getSession().username).toBe("ada");
      expect(getSession(request).username).toBe("ada");
      expect({ ...session }).toEqual({ username: "ada" });
      expect(JSON.stringify(session)).toBe('{"username":"ada"}');
    });
    expect(getSession(request)).toBe(context.session);
  });

  it("is the inner one in a request within a request, and the outer one again after it", () => {
    begin().run(() => {
      session.name = "outer";
      begin().run(() => {
        expect("name" in session).toBe(false);
        session.name = "inner";
      });
      expect(session.name).toBe("outer");
    });
  });

  it("is kept apart in requests that take turns", async () => {
    const visit = (name: string) =>
      begin().run(async () => {
        session.name = name;
        for (let turn = 0; turn < 5; turn++)
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        return session.name as string;
      });
    const names = Array.from({ length: 1000 }, (_, at) => `visitor ${at}`);
    expect(await Promise.all(names.map(visit))).toEqual(names);
  });
});

describe("RequestContext.save", () => {
  it("saves once, however often it is called", () => {
    const context = begin();
    context.run(() => (session.a = 1));
    const headers = new Headers();
    context.save({ headers });
    context.save({ headers });
    expect(headers.getSetCookie()).toHaveLength(1);
  });

  it("refuses what is written after it", () => {
    const context = begin();
    context.save({ headers: new Headers() });
    expect(() => context.run(() => (session.late = true))).toThrow(SessionClosedError);
  });
});

describe("streamWithContext", () => {
  it("keeps the session for chunks that are pulled after the request, and passes an early end on", async () => {
    let ended = false;
    const chunks = begin().run(() => {
      session.username = "ada";
      return streamWithContext(
        (async function* () {
          try {
            yield session.username;
            yield session.username;
          } finally {
            ended = true;
          }
        })(),
      );
    });
    for await (const chunk of chunks) {
      expect(chunk).toBe("ada");
      break;
    }
    expect(ended).toBe(true);
  });

  it("takes a plain iterable too", async () => {
    const chunks = begin().run(() => streamWithContext(["a", "b"]));
    const seen: string[] = [];
    for await (const chunk of chunks) seen.push(chunk);
    expect(seen).toEqual(["a", "b"]);
  });

  it.each([undefined, null, 1, {}])("keeps no request open for %j, which is no stream", (source) => {
    const context = begin();
    expect(() => context.run(() => streamWithContext(source as never))).toThrow(TypeError);
    void context.save({ headers: new Headers() });
    expect(context.isOver).toBe(true);
  });
});
