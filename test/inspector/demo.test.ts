import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { textOf } from "./watching.ts";

const BIN = join(import.meta.dirname, "../../bin/hipflask.js");

let demo: ChildProcess | undefined;

/** `npx hipflask demo`, as a user starts it. */
async function start(...args: string[]): Promise<{ url: string; said: () => string }> {
  const process_ = spawn(process.execPath, [BIN, "demo", ...args], {
    env: { ...process.env, SECRET_KEY: "" },
  });
  demo = process_;
  let said = "";
  for (const stream of [process_.stdout, process_.stderr])
    stream.on("data", (chunk) => (said += String(chunk)));
  while (!said.includes("Ctrl-C") && process_.exitCode === null) {
    await Promise.race([once(process_.stdout, "data"), once(process_, "exit")]);
  }
  return {
    url: /http:\/\/localhost:\d+/.exec(said)?.[0]?.replace("localhost", "127.0.0.1") ?? "",
    said: () => said,
  };
}

afterEach(() => {
  demo?.kill("SIGKILL");
  demo = undefined;
});

describe("hipflask demo", () => {
  it("greets strangers, remembers a name, and shows how it travelled", async () => {
    const { url } = await start("--port", "0");
    const ada = new PlainVisitor(url);
    expect((await ada.get("/")).body).toBe("hello, stranger\n");
    expect((await ada.post("/login", { username: "<ada>" })).body).toBe("login success\n");
    expect((await ada.get("/")).body).toBe("hello, <ada>\n");
    const page = (await ada.send("GET", "/", { Accept: "text/html" })).body;
    expect(page).toContain("hello, &#60;ada&#62;");
    const inspector = (await ada.get("/inspector")).body;
    expect(textOf(inspector)).toMatch(/POST \/login empty → written 200 .*added username/);
    await ada.post("/logout", {});
    expect((await ada.get("/")).body).toBe("hello, stranger\n");
    expect((await ada.post("/login", {})).status).toBe(400);
    expect((await ada.post("/login", { username: "a".repeat(20_000) })).status).toBe(400);
    expect((await ada.get("/nothing")).status).toBe(404);
  });

  it("keeps the name in a store, and ends its sessions", async () => {
    const { url } = await start("--port", "0", "--store", "memory:");
    const ada = new PlainVisitor(url);
    await ada.post("/login", { username: "ada" });
    expect(textOf((await ada.get("/inspector?owner=ada")).body)).toMatch(/Live sessions .*End all 1/);
    expect((await ada.post("/inspector", { action: "revoke-all", owner: "ada" })).status).toBe(303);
    expect((await ada.get("/")).body).toBe("hello, stranger\n");
  });

  it("can only be reached from this machine, as localhost", async () => {
    const { url } = await start("--port", "0");
    const visitor = new PlainVisitor(url);
    expect((await visitor.send("GET", "/inspector", { Host: "evil.example" })).status).toBe(403);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends well at %s", async (signal) => {
    const { url } = await start("--port", "0");
    await fetch(url);
    demo!.kill(signal);
    expect(await once(demo!, "exit")).toEqual([0, null]);
  });

  it("says what to do when the port is taken or is none", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const { said } = await start("--port", String((other.address() as AddressInfo).port));
      if (demo!.exitCode === null) await once(demo!, "exit");
      expect([demo!.exitCode, said()]).toEqual([1, expect.stringContaining("is in use")]);
    } finally {
      other.close();
    }
    const { said } = await start("--port", "many");
    if (demo!.exitCode === null) await once(demo!, "exit");
    expect([demo!.exitCode, said()]).toEqual([2, expect.stringContaining("--port is a number")]);
  });
});
