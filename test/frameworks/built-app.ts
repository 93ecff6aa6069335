import { cp } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { documentedFiles } from "../support/documented-files.ts";
import {
  BUILD_TIMEOUT,
  currentNode,
  frameworkApp,
  startServer,
  type FrameworkApp,
  type FrameworkServer,
} from "../support/framework-app.ts";
import { frameworks } from "../support/frameworks.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";

/** How the app of a page of the documentation is built and served. */
export interface BuiltAppOptions {
  /** Its folder. The one named `NAME-store` has what is different with a store. */
  readonly name: string;
  readonly page: string;
  /** What is different with a store. */
  readonly storeFile: string;
  /** A program of `node_modules`, and its arguments. */
  readonly build: readonly [program: string, ...args: string[]];
  readonly serve: readonly string[];
  /** Where its login form is posted to. */
  readonly login: string;
}

/**
 * Builds the app as its users build theirs and serves it for the suite this is called in, with sessions in a "cookie" or in a
 * "store". Tests that it is what its page shows, that it type-checks, and that visitors do not mix.
 */
export function builtApp(place: string, options: BuiltAppOptions) {
  const { name, page, storeFile, build, serve, login } = options;
  const { root } = frameworks();
  let app: FrameworkApp;
  let server: FrameworkServer;

  beforeAll(async () => {
    app = await frameworkApp(name, currentNode());
    if (place === "store") await cp(`${root}/${name}-store`, app.folder, { recursive: true });
    await app.run(...build);
    const env = { SECRET_KEY: "of the app" };
    server = await startServer(app.folder, () => [...serve], env, currentNode());
  }, BUILD_TIMEOUT);

  afterAll(async () => {
    await server?.stop();
    await app?.remove();
  });

  it("is what the documentation shows", () => {
    const [folder, files] = place === "store" ? [`${name}-store`, [storeFile]] : [name, undefined];
    expect(documentedFiles(page, `${root}/${folder}`, files)).toEqual([]);
  });

  it.each(place === "cookie" ? ["typescript/bin/tsc"] : [])("type-checks by %s", async (tsc) =>
    expect(await app.run(tsc, "--noEmit")).toBe(""),
  );

  it("never mixes 100 parallel requests of two visitors", async () => {
    const both = [await logIn(), visitor()] as const;
    const pages = await Promise.all(Array.from({ length: 100 }, (_, index) => both[index % 2]!.get("/")));
    pages.forEach(({ body }, index) =>
      expect(body).toContain(index % 2 === 0 ? "hello, ada" : "hello, stranger"),
    );
  });

  const visitor = () => new PlainVisitor(server.url);
  const logIn = async (ada = visitor()): Promise<PlainVisitor> => {
    await ada.post(login, { username: "ada" });
    return ada;
  };
  return {
    visitor,
    logIn,
    /** A page that streams up to `first` and then waits for `/release`: what had come by then, and all of it. */
    async streamed(path: string, ada: PlainVisitor, first: string, headers: Record<string, string> = {}) {
      const Cookie = [...ada.cookies].map((pair) => pair.join("=")).join("; ");
      const response = await fetch(server.url + path, { headers: { Cookie, ...headers } });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let before = "";
      while (!before.includes(first)) {
        const { done, value } = await reader.read();
        if (done) break;
        before += value;
      }
      await ada.send("POST", "/release", { Origin: server.url });
      let text = before;
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      return { response, before, text };
    },
  };
}
