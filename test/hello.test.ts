import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const APP = fileURLToPath(new URL("../examples/hello/app.ts", import.meta.url));

describe("examples/hello", () => {
  let program: ChildProcess;
  let url: string;

  beforeAll(async () => {
    program = spawn(process.execPath, ["--import", "tsx", APP], {
      env: { ...process.env, PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    url = await announcedUrl(program);
  });
  afterAll(async () => {
    const exit = once(program, "exit");
    if (program.kill()) await exit;
  });

  async function login(username: string): Promise<string> {
    const response = await fetch(`${url}/login`, { method: "POST", body: new URLSearchParams({ username }) });
    expect(await response.text()).toBe("login success");
    const [line] = response.headers.getSetCookie();
    expect(line).toMatch(/^session=[\w.-]+; HttpOnly; Path=\/$/);
    return line!.split(";")[0]!;
  }

  it("greets a stranger and gives no cookie", async () => {
    const response = await fetch(url);
    expect(await response.text()).toBe("hello, stranger\n");
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("knows on the next request who logged in", async () => {
    const cookie = await login("张三");
    const response = await fetch(url, { headers: { cookie } });
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(await response.text()).toBe("hello, 张三\n");
  });

  it("escapes the name", async () => {
    const cookie = await login("<script>alert('hi')</script>");
    const response = await fetch(url, { headers: { cookie } });
    expect(await response.text()).toBe("hello, &lt;script&gt;alert(&#39;hi&#39;)&lt;/script&gt;\n");
  });

  it("answers 400 to a form without a username, as Flask does", async () => {
    const response = await fetch(`${url}/login`, {
      method: "POST",
      body: new URLSearchParams({ user: "ada" }),
    });
    expect(response.status).toBe(400);
  });
});

/** The address the program prints once it listens. */
function announcedUrl(program: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    program.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      printed += chunk;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed);
      if (url !== null) resolve(url[0]);
    });
    program.once("exit", () =>
      reject(new Error(`The program ended without listening. It printed: ${printed}`)),
    );
  });
}
