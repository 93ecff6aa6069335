import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { importsOf } from "../architecture/modules.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/** The oldest Node we promise and the newer lines. npm has each as a package; fetching them takes half a minute. */
const versions = ["20.19.0", "22.23.3", "24.21.0"];
const everything = Boolean(process.env["CI"] || process.env["HIPFLASK_FULL"]);

/** What a new user would write; prints `ok` after one visitor's session has come back. */
const HELLO = `
import { createServer } from "node:http";
import { session } from "hipflask";
import { sessions } from "hipflask/node";

const server = createServer(
  sessions({ secretKey: "an example's secret, long enough" })((request, response) => {
    if (request.method === "POST") session.username = "ada";
    response.end("username" in session ? \`hello, \${session.username}\` : "hello, stranger");
  }),
);
server.listen(0, "127.0.0.1", async () => {
  const url = \`http://127.0.0.1:\${server.address().port}/\`;
  const text = async (options) => (await fetch(url, options)).text();
  const login = await fetch(url, { method: "POST" });
  await login.text();
  const cookie = login.headers.get("set-cookie").split(";")[0];
  const stranger = await text();
  const ada = await text({ headers: { cookie } });
  server.close();
  server.closeAllConnections();
  console.log(stranger === "hello, stranger" && ada === "hello, ada" ? "ok" : \`\${stranger} / \${ada}\`);
});
`;

/** Imports every subpath and prints those that fail, unless all they miss is a framework the user brings along. */
const IMPORT_ALL = `
import manifest from "hipflask/package.json" with { type: "json" };
const peers = Object.keys(manifest.peerDependencies);
for (const subpath of Object.keys(manifest.exports)) {
  if (subpath.endsWith(".json")) continue;
  await import("hipflask" + subpath.slice(1)).catch((error) => {
    if (!peers.some((peer) => error.message.startsWith(\`Cannot find package '\${peer}'\`))) console.log(subpath, error);
  });
}
`;

/** The same with `require`. */
const REQUIRE_ALL = `
const manifest = require("hipflask/package.json");
const peers = Object.keys(manifest.peerDependencies);
for (const subpath of Object.keys(manifest.exports)) {
  if (subpath.endsWith(".json")) continue;
  try {
    require("hipflask" + subpath.slice(1));
  } catch (error) {
    if (!peers.some((peer) => error.message.startsWith(\`Cannot find module '\${peer}\`))) console.log(subpath, error);
  }
}
`;

let project = "";
let source = "";
const installed = () => join(project, "node_modules/hipflask");
const dist = (file: string) => join(installed(), "dist", file);
const script = (name: string, executable = process.execPath) =>
  run(executable, [name], { cwd: project, timeout: 30_000 }).then(({ stdout }) => stdout);

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "hipflask-"));
  // From a copy: while npm packs, the links of some files are other ones.
  source = await mkdtemp(join(tmpdir(), "hipflask-source-"));
  for (const file of [...manifest.files, "package.json", "scripts"])
    await cp(join(root, file), join(source, file), { recursive: true });
  const links = "scripts/package-links.js";
  await run(process.execPath, [links], { cwd: source });
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", project];
  const { stdout } = await run("npm", pack, { cwd: source });
  await run(process.execPath, [links, "--restore"], { cwd: source });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(join(project, "package.json"), '{ "type": "module", "private": true }\n');
  await writeFile(join(project, "hello.js"), HELLO);
  await writeFile(join(project, "import-all.js"), IMPORT_ALL);
  await writeFile(join(project, "require-all.cjs"), REQUIRE_ALL);
  // Offline: a package without dependencies needs nothing else.
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(project, filename)], {
    cwd: project,
  });
});

afterAll(() => Promise.all([project, source].map((folder) => rm(folder, { recursive: true, force: true }))));

describe("the packed package", () => {
  it("installs nothing else", async () => {
    const packages = await readdir(join(project, "node_modules"));
    expect(packages.filter((name) => !name.startsWith("."))).toEqual(["hipflask"]);
  });

  it("holds what is needed, and neither tests nor sources", async () => {
    const files = await readdir(installed(), { recursive: true });
    const wanted = ["LICENSE", "CHANGELOG.md", "SECURITY.md", "dist/index.d.ts"];
    expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  it("has links that lead to something in it, or in the repository", async () => {
    const home = manifest.repository.url.replace(/^git\+(.*)\.git$/, "$1");
    const pages = (await readdir(installed())).filter((file) => file.endsWith(".md"));
    expect(pages.toSorted()).toEqual(["CHANGELOG.md", "README.md", "SECURITY.md"]);
    const dead: string[] = [];
    let absolute = 0;
    for (const page of pages) {
      const text = await readFile(join(installed(), page), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
        const [, path] = new RegExp(`^${home}/(?:blob|raw)/main/(.+)$`).exec(target) ?? [];
        if (path !== undefined) absolute++;
        const place = path === undefined ? join(installed(), target) : join(root, path);
        if (!/^(?:https?|mailto):/.test(path === undefined ? target : "") && !existsSync(place))
          dead.push(`${page}: ${target}`);
      }
    }
    expect(dead).toEqual([]);
    expect(absolute).toBeGreaterThan(50);
  });

  it("leaves the files in the repository as they were", async () => {
    for (const file of ["README.md", "CHANGELOG.md", "SECURITY.md"])
      expect(await readFile(join(source, file), "utf8")).toBe(await readFile(join(root, file), "utf8"));
  });

  it("imports every subpath in an empty project", async () => {
    expect(await script("import-all.js")).toBe("");
  });

  it("requires every subpath in an empty project", async () => {
    expect(await script("require-all.cjs")).toBe("");
  });

  it(`carries a session on this Node, ${process.version}`, async () => {
    expect(await script("hello.js")).toBe("ok\n");
  });

  it("is small: a program loads at most 250 KB of it, and 1.75 MB are installed", async () => {
    const loaded = await sizeOfModules(["index.js", "adapters/node.js"].map((file) => dist(file)));
    const total = await sizeOf(installed());
    console.log(
      `P12: hipflask and an adapter, ${kilobytes(loaded)} of JavaScript (goal ≤ 250 KB); installed ${kilobytes(total)} (goal ≤ 1750 KB)`,
    );
    expect(loaded).toBeLessThanOrEqual(250_000);
    expect(total).toBeLessThanOrEqual(1_750_000);
  });

  it("is loaded as few files: opening one takes longer than reading a larger one", async () => {
    expect(await modulesFrom(dist("index.js"))).toHaveLength(2);
    expect(await modulesFrom(dist("adapters/node.js"))).toHaveLength(2);
    expect(await modulesFrom(dist("index.cjs"))).toHaveLength(2);
  });
});

const note = everything ? "" : " (skipped: takes a while; set HIPFLASK_FULL=1)";
describe.skipIf(!everything)(`the packed package on other versions of Node${note}`, () => {
  it.each(versions)(
    "imports every subpath and carries a session on Node %s",
    async (version) => {
      const home = await mkdtemp(join(tmpdir(), `node-${version}-`));
      try {
        const build = `node-${process.platform}-${process.arch}`;
        await writeFile(join(home, "package.json"), "{}\n");
        await run("npm", ["install", "--no-audit", "--no-fund", `${build}@${version}`], { cwd: home });
        const executable = join(home, "node_modules", build, "bin/node");
        expect((await run(executable, ["--version"])).stdout).toBe(`v${version}\n`);
        expect(await script("import-all.js", executable)).toBe("");
        expect(await script("require-all.cjs", executable)).toBe("");
        expect(await script("hello.js", executable)).toBe("ok\n");
      } finally {
        await rm(home, { recursive: true, force: true });
      }
    },
    180_000,
  );
});

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A module and all that it loads of ours. */
async function modulesFrom(file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return [];
  seen.add(file);
  const source = await readFile(file, "utf8");
  const required = [...source.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name as string);
  for (const name of importsOf(source).concat(required)) {
    if (name.startsWith(".")) await modulesFrom(join(file, "..", name), seen);
  }
  return [...seen];
}

async function sizeOfModules(files: readonly string[]): Promise<number> {
  const modules = new Set((await Promise.all(files.map((file) => modulesFrom(file)))).flat());
  const sizes = await Promise.all([...modules].map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} KB`;
