/**
 * A request ends sessions of an owner and logs a user in: whatever the order of the two, the login that the handler asked for
 * is there with the next request, and no other session changes.
 *
 * - Admidio/admidio#1238, betterlytics/betterlytics#670: a new password ends all sessions, and the person who set it goes on
 * - expressjs/session#954: a session that was ended by its name is still the request's own
 */
import { hash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { selectorOf, session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { Visitor } from "../stores/visitor.ts";

let manager: SessionManager;
let ada: Visitor;
const managers: SessionManager[] = [];
const managerOf = () => {
  const made = new SessionManager({ store: memoryStore(), storeOptions: { sweepEvery: 0 } });
  managers.push(made);
  return made;
};

beforeEach(async () => {
  manager = managerOf();
  ada = new Visitor(manager);
  await ada.visit(() => ((session.owner = "ada"), (session.theme = "dark")));
});
afterEach(() => Promise.all(managers.splice(0).map((one) => one.close())));

const now = async (visitor: Visitor) =>
  (await visitor.visit(() => [session.owner, session.theme ?? null, session.x ?? null])).seen;
const copyOf = (visitor: Visitor) => Object.assign(new Visitor(manager), { cookie: visitor.cookie });

describe("a login in a request that has a session", () => {
  it.each<[string, () => unknown, (string | number | null)[]]>([
    [
      "of another person, before all sessions of the one before are ended",
      async () => ((session.owner = "bob"), (session.x = 1), await manager.destroyAll("ada")),
      ["bob", null, 1],
    ],
    [
      "of another person, after that",
      async () => (await manager.destroyAll("ada"), (session.owner = "bob"), (session.x = 1)),
      ["bob", null, 1],
    ],
    [
      "of the same person, before all their sessions are ended",
      async () => ((session.owner = "ada"), (session.x = 1), await manager.destroyAll("ada")),
      ["ada", "dark", 1],
    ],
    [
      "of the same person, after that",
      async () => (await manager.destroyAll("ada"), (session.owner = "ada"), (session.x = 1)),
      ["ada", null, 1],
    ],
    [
      "after the session was ended by its name",
      async () => (await manager.destroy(selectorOf(session)!), (session.owner = "ada"), (session.x = 1)),
      ["ada", null, 1],
    ],
    [
      "before the session was ended by its name",
      async () => ((session.owner = "bob"), (session.x = 1), await manager.destroy(nameOf(ada))),
      ["bob", null, 1],
    ],
    [
      "after both",
      async () => (
        await manager.destroy(selectorOf(session)!),
        await manager.destroyAll("ada"),
        (session.owner = "ada"),
        (session.x = 1)
      ),
      ["ada", null, 1],
    ],
    [
      "after a logout, and all sessions of the person are ended at last",
      async () => (session.destroy(), (session.x = 1), await manager.destroyAll("ada")),
      [null, null, 1],
    ],
  ])("holds: %s", async (_, act, expected) => {
    const [thief, phone] = [copyOf(ada), new Visitor(manager)];
    await phone.visit(() => (session.owner = "ada"));
    await ada.visit(act);
    expect(await now(ada)).toEqual(expected);
    expect(await now(thief)).toEqual([null, null, null]);
    const listed = await manager.list("ada");
    const isEnded = expected[0] !== "ada";
    expect(listed.filter(({ selector }) => selector === nameOf(ada))).toHaveLength(isEnded ? 0 : 1);
  });

  it("is not a login by itself: the end of all sessions ends this one", async () => {
    await ada.visit(async () => (session.regenerate({ keep: true }), await manager.destroyAll("ada")));
    expect(ada.cookie).toBe("");
  });
});

describe("manager.destroy", () => {
  it("ends sessions alone: the record of an owner has a name that anybody can work out", async () => {
    for (const name of [`owner:${hash("sha256", "ada", "base64url")}`, "owner:ada", "*", "%", "../ada"])
      expect(await manager.destroy(name)).toBe(false);
    expect(await manager.list("ada")).toHaveLength(1);
    expect(await manager.destroyAll("ada")).toBe(1);
  });
});

describe("a manager of other sessions", () => {
  it("ends none of this request's, though the owner has the same name there", async () => {
    const customers = managerOf();
    await ada.visit(async () => ((session.x = 1), await customers.destroyAll("ada")));
    expect(await now(ada)).toEqual(["ada", "dark", 1]);
  });

  it("ends none of this request's, though a session has the same name there", async () => {
    const customers = managerOf();
    const { seen } = await ada.visit(async () => ((session.x = 1), customers.destroy(nameOf(ada))));
    expect(seen).toBe(false);
    expect(await now(ada)).toEqual(["ada", "dark", 1]);
  });
});

const nameOf = ({ cookie }: Visitor): string => cookie.slice("session=".length).split(".")[0]!;
