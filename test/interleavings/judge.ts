import { selectorOf, session } from "../../src/index.ts";
import { OWNER, actorsFor } from "./actors.ts";
import type { Requests, Slot, World } from "./explore.ts";
import type { Outcome, Request } from "./request.ts";
import { perform, textOf, type Records } from "./world.ts";

/** Those who have no cookie yet. */
const ELSEWHERE = new Set(["log in from elsewhere", "log in where one is allowed"]);
const LOGINS = ["log in", "log in from elsewhere", "log in where one is allowed"];
const ENDS = ["log out", "log out everywhere", "expire"];
const NEW_TOKEN = ["regenerate", "log in"];
const CHANGES = ["write a", "write b", "count", "flash"];

const END_ALL = actorsFor("")["log out everywhere"] as Request;

interface Start {
  readonly cookie: string;
  readonly selector: string;
}

/** Says what is wrong with how a world ended; nothing if all promises were kept. */
export class Judge {
  readonly #requests: Requests;
  readonly #start: Start;
  readonly #known = new Map<string, Outcome & { readonly records: Records }>();

  constructor(requests: Requests, start: Start) {
    this.#requests = requests;
    this.#start = start;
  }

  async judge(world: World): Promise<string[]> {
    const { slots, now } = world;
    const wrong: string[] = [];
    const say = (holds: boolean, what: string) => void (holds || wrong.push(what));
    const names = slots.map(({ actor }) => actor.name);
    const has = (...some: string[]) => names.some((name) => some.includes(name));
    const of = (...some: string[]) => slots.filter(({ actor }) => some.includes(actor.name));
    const isAcknowledged = ({ point }: Slot) => point?.outcome?.status === "ok";
    const acknowledged = (...some: string[]) => of(...some).filter(isAcknowledged);
    const failed = (...some: string[]) => of(...some).filter((slot) => slot.point && !isAcknowledged(slot));
    /** Those that found the session; others began one of their own. */
    const inside = (slot: Slot) => slot.point?.outcome?.found === true;

    // Where one session is allowed, a login ends the others, also one that is still under way.
    const isContested = has("log in where one is allowed") && of(...LOGINS).length > 1;

    // Errors are those that were meant.
    for (const { actor, point, isCut } of slots) {
      const status = point?.outcome?.status ?? "ok";
      const isExpected =
        status === "ok" ||
        (status === "STORE" && isCut) ||
        (status === "SESSION_LOST" && (has(...ENDS, ...NEW_TOKEN) || isContested));
      say(isExpected, `${actor.name} came to ${status}`);
    }

    const live = [...world.records].filter(
      ([key, { expiresAt }]) => expiresAt > now && !key.startsWith("owner:"),
    );
    const isLive = live.some(([key]) => key === this.#start.selector);

    // What has ended stays ended.
    if (acknowledged("log out").some(inside)) say(!isLive, "the session is live after a logout");
    if (has("expire") && !has("log in")) say(!isLive, "the session is live after it expired");

    // Cookies: those that were sent, and the first one.
    const sent = slots.flatMap(({ point }) => point?.outcome?.cookie || []);
    const cookies = [...new Set([this.#start.cookie, ...sent])];
    const views = [];
    for (const cookie of cookies) views.push({ cookie, ...(await this.#look(world, cookie)) });
    const opened = views.filter(
      ({ found, seen }) => found && (seen as { selector: string }).selector === this.#start.selector,
    );

    if (isLive && !(has(...NEW_TOKEN) && failed(...NEW_TOKEN).length > 0)) {
      say(opened.length > 0, "the session is live and no cookie opens it");
    }
    if (!has(...ENDS, ...NEW_TOKEN) && !isContested) {
      say(isLive, "the session is gone");
      for (const { cookie, found } of views) {
        const isSentToAll = cookie === this.#start.cookie || sent.includes(cookie);
        if (isSentToAll) say(found === true, `a rotation logged out the holder of ${cookie.slice(-6)}`);
      }
      for (const { actor, point } of slots) {
        const outcome = point?.outcome;
        const isVisitor = !ELSEWHERE.has(actor.name);
        if (isVisitor) say(outcome?.found !== false, `${actor.name} was logged out by a rotation`);
      }
    }
    const tokens = new Set(of("rotate periodically").flatMap(({ point }) => point?.outcome?.cookie || []));
    if (!has(...NEW_TOKEN)) say(tokens.size <= 1, "periodic rotations came to different tokens");

    // Data, as far as there is a session that can be looked into.
    const [view] = opened;
    // Messages are taken out of the record before they can be shown: a request that dies in between loses them.
    const mayLose = slots.some(({ isCut }) => isCut);
    if (view !== undefined) {
      const { data } = view.seen as { data: Record<string, unknown> };
      for (const key of ["a", "b"] as const) {
        const writers = of(`write ${key}`).filter(inside);
        const value = (tag: string) => `${key}${tag}`;
        const allowed = writers
          .filter((slot) => !isOvertaken(slot, writers, isAcknowledged))
          .map(({ tag }) => value(tag));
        if (!writers.some(isAcknowledged)) allowed.push("0");
        say(
          allowed.includes(String(data[key])),
          `${key} is ${String(data[key])}, and not ${allowed.join(" or ")}`,
        );
      }
      const [least, most] = [acknowledged("count").filter(inside).length, of("count").filter(inside).length];
      const counted = Number(data["n"]);
      say(counted >= least, `${least} increments were acknowledged, and ${counted} are there`);
      say(counted <= most, `${most} increments were sent, and ${counted} are there`);
    }

    for (const slot of acknowledged(...CHANGES)) {
      const { cookie, found } = slot.point!.outcome!;
      if (found !== false) continue;
      const own = (await this.#look(world, cookie ?? "")).seen as {
        data: Record<string, unknown>;
        messages: string[];
      };
      const isThere = {
        "write a": () => own.data["a"] === `a${slot.tag}`,
        "write b": () => own.data["b"] === `b${slot.tag}`,
        count: () => own.data["n"] === 1,
        flash: () => own.messages.join() === `m${slot.tag}`,
      }[slot.actor.name]!;
      say(isThere() || has("expire"), `what ${slot.actor.name} wrote to a session of its own was lost`);
    }

    // Messages: shown and waiting ones, each once.
    const shown = acknowledged("take flashes").flatMap(({ point }) => point!.outcome!.seen as string[]);
    const waiting = view === undefined ? [] : (view.seen as { messages: string[] }).messages;
    const all = [...shown, ...waiting];
    say(new Set(all).size === all.length, `a message came twice: ${all.join()}`);
    if (view !== undefined) {
      for (const { tag } of acknowledged("flash").filter(inside)) {
        const isThere = all.includes(`m${tag}`);
        say(isThere || mayLose, `message m${tag} was lost`);
      }
      if (has("take flashes")) say(all.includes("old") || mayLose, "the message that was there was lost");
    }

    // Logins and the end of all sessions.
    for (const login of of(...LOGINS)) {
      const at = slots.indexOf(login);
      const cookie = login.point?.outcome?.cookie;
      if (!isAcknowledged(login) || !cookie) continue;
      const mine = await this.#look(world, cookie);
      for (const end of acknowledged("log out everywhere")) {
        if (end.begunBefore.includes(at))
          say(mine.found !== true, "a login that began before the end of all sessions lives on");
      }
      const isUndisturbed = !has(...ENDS, "regenerate") && of(...LOGINS).length === 1;
      if (isUndisturbed)
        say(
          (mine.seen as { owner?: string } | undefined)?.owner === OWNER,
          "an acknowledged login is not there",
        );
    }
    if (acknowledged("log out everywhere").length > 0 && !has(...LOGINS)) {
      say(!isLive, "the session is live after the end of all sessions");
    }
    for (const refused of failed(...LOGINS)) {
      const ends = of("log out everywhere");
      const isLate = ends.every((end) => refused.doneBefore.includes(slots.indexOf(end)));
      const isExcused =
        refused.isCut ||
        isContested ||
        has("log out", "regenerate", "expire") ||
        of("log in").length > 1 ||
        (ends.length > 0 && !isLate);
      say(
        isExcused ||
          (has("log in from elsewhere") && refused.actor.name === "log in" && has("log out everywhere")),
        `${refused.actor.name} was refused for nothing`,
      );
    }

    const areAllLimited = of(...LOGINS).every(({ actor }) => actor.name === "log in where one is allowed");
    // What a request that died has not removed is not let in any more, and ends at its next touch.
    if (has(...LOGINS) && areAllLimited && !mayLose) {
      const owned = live.filter(([, { text }]) => text.includes(`"${OWNER}"`));
      say(owned.length <= 1, `${owned.length} sessions of an owner who may have one`);
    }

    // A later end of all sessions leaves none, so none was ever out of its sight.
    // A login that died in between may leave a record behind; its token was never sent, so no visitor can use it.
    const mayLeave = of(...LOGINS).some(({ isCut }) => isCut);
    if (has(...LOGINS, "log out everywhere") && !mayLeave) {
      const { records } = await this.#complete(END_ALL, "later", {
        records: world.records,
        now: now + 1000,
      });
      for (const [key, { text, expiresAt }] of records) {
        const isOwned = !key.startsWith("owner:") && expiresAt > now + 1000 && text.includes(`"${OWNER}"`);
        say(!isOwned, `a session of the owner outlives a later end of all sessions: ${key}`);
      }
    }
    return wrong;
  }

  /** What a visitor with this cookie sees at the end. */
  #look(world: World, cookie: string): Promise<Outcome> {
    return this.#complete(look(cookie), "look", world);
  }

  /** A request that has the store for itself. */
  async #complete(
    request: Request,
    tag: string,
    { records: given, now: time }: Pick<World, "records" | "now">,
  ): Promise<Outcome & { readonly records: Records }> {
    const key = `${request.name} ${request.cookie} ${time} ${textOf(given)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let records = given;
    let point = await this.#requests.start(request, tag, time);
    while (point.outcome === undefined) {
      const done = perform(records, point.waiting[0]!, time);
      ({ records } = done);
      point = await this.#requests.next(point, { at: 0, answer: done.answer, now: time });
    }
    const result = { ...point.outcome, records };
    this.#known.set(key, result);
    return result;
  }
}

/** Another write of the same key was acknowledged, and began after this one was done. */
function isOvertaken(slot: Slot, writers: readonly Slot[], isAcknowledged: (slot: Slot) => boolean): boolean {
  return writers.some(
    (other) => other !== slot && isAcknowledged(other) && other.doneBefore.includes(Number(slot.tag)),
  );
}

function look(cookie: string): Request {
  return {
    name: "look",
    cookie,
    options: { storeOptions: { touchEvery: 1e6, idleTimeout: 3600 } },
    view: () => ({
      selector: selectorOf(session),
      owner: session.owner,
      messages: session.getFlashedMessages(),
      data: session.toJSON(),
    }),
  };
}
