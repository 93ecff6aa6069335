import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** What a clone holds, and what is about to be added to it. */
const listing = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
});
const isClone = listing.status === 0;
const files = (isClone ? listing.stdout : "")
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));

const manifests = files.filter((path) => path.endsWith("package.json"));
const lockfiles = files.filter((path) => path.endsWith("package-lock.json"));

interface Manifest {
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Files that use a timer, and why; others may only in races, with a random time. */
const TIMED = new Map([
  ["test/runtimes/app.mjs", "not every runtime has setImmediate"],
  ["test/services/app-crash.test.ts", "kills a process at various times"],
  ["test/services/app-outage.test.ts", "clients pause before they try again, and closing has a time limit"],
  ["test/services/redis-server.ts", "polls a server"],
  ["test/support/framework-app.ts", "polls a server"],
]);

const note = isClone ? "" : " (skipped: this is no clone, or git is missing)";
describe.skipIf(!isClone && !process.env["CI"])(`the repository${note}`, () => {
  it("pins every dependency exactly", () => {
    const loose = manifests.flatMap((path) => {
      const { dependencies = {}, devDependencies = {} } = JSON.parse(read(path)) as Manifest;
      return Object.entries({ ...dependencies, ...devDependencies })
        .filter(([, range]) => !/^(npm:[\w@/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(range))
        .map(([name, range]) => `${path}: ${name} ${range}`);
    });
    expect(loose).toEqual([]);
  });

  it("has no dependency at run time", () => {
    expect((JSON.parse(read("package.json")) as Manifest).dependencies).toBeUndefined();
  });

  it("has lockfiles that name packages and hashes, and not where they came from", () => {
    expect(lockfiles).toContain("package-lock.json");
    const sources = lockfiles.filter((path) => /"resolved":|"https?:\/\/[^"]*\.tgz"/.test(read(path)));
    expect(sources).toEqual([]);
  });

  // npm leaves out packages for other platforms that its registry does not have, and `npm ci` then refuses the file.
  it("has lockfiles that are whole", () => {
    const missing = lockfiles.flatMap((path) => {
      const { packages } = JSON.parse(read(path)) as { packages: Record<string, Locked> };
      return Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
        Object.keys(optionalDependencies)
          .filter((name) => !packages[`node_modules/${name}`] && !packages[`${place}/node_modules/${name}`])
          .map((name) => `${path}: ${name}, for ${place}`),
      );
    });
    expect(missing).toEqual([]);
  });

  it("speaks of no particular machine", () => {
    const pattern = /\/(?:work|root|home\/\w+)\/|registry\.npmjs/;
    const texts = files.filter((path) => !/\.(?:png|jpe?g|ico|woff2?|db)$/.test(path));
    const found = texts.flatMap((path) =>
      read(path)
        .split("\n")
        .flatMap((line, index) =>
          pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : [],
        ),
    );
    expect(found).toEqual([]);
  });

  it("has tests that wait for a condition and not for a time", () => {
    const timer = /(?<![.\w])(?:sleep|setTimeout|waitForTimeout)\((?!.*random\(\))/;
    const found = files
      .filter((path) => /^test\/.*\.(?:ts|js|mjs)$|^src\/.*\.test\.ts$/.test(path) && !TIMED.has(path))
      .flatMap((path) =>
        read(path)
          .split("\n")
          .flatMap((line, index) => (timer.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
      );
    expect(found).toEqual([]);
    const idle = [...TIMED.keys()].filter((path) => !timer.test(read(path)));
    expect(idle).toEqual([]);
  });

  // A merge can keep an entry beside its new wording.
  it("has a changelog that says each thing once", () => {
    const beginnings = [...read("CHANGELOG.md").matchAll(/^(?:- .{24}|###? .*)/gm)].map(([text]) => text);
    expect(beginnings.length).toBeGreaterThan(50);
    expect(beginnings.filter((text, index) => beginnings.indexOf(text) < index)).toEqual([]);
  });

  it("lists every page in docs/README.md and on the site", () => {
    const pages = files.filter((path) => /^docs\/[\w-]+\.md$/.test(path) && path !== "docs/README.md");
    expect(pages.length).toBeGreaterThan(20);
    const [index, site] = [read("docs/README.md"), read("site/contents.ts")];
    const name = (page: string) => page.slice("docs/".length, -".md".length);
    expect(pages.filter((page) => !index.includes(`](${name(page)}.md)`))).toEqual([]);
    expect(pages.filter((page) => !new RegExp(`docs\\("[^"]+", "${name(page)}"\\)`).test(site))).toEqual([]);
  });

  it("has services in compose.yaml on the ports that the tests ask", () => {
    const offered = [...read("compose.yaml").matchAll(/"127\.0\.0\.1:(\d+):\1"/g)].map(([, port]) => port);
    const asked = files
      .filter((path) => /^test\/services\/(?:redis|postgres|mysql)\.test\.ts$/.test(path))
      .map((path) => /(?:REDIS|POSTGRES|MYSQL)_URL \?\? "\w+:\/\/[^":]+:(\d+)/.exec(read(path))?.[1]);
    expect(offered.toSorted()).toEqual(asked.toSorted());
  });

  it("has no link to a file that is not there", () => {
    const dead = files
      .filter((path) => path.endsWith(".md"))
      .flatMap((page) => {
        const links = read(page).matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)[^)]*\)/g);
        return [...links]
          .map(([, target = ""]) => target)
          .filter((target) => !existsSync(join(root, dirname(page), target)))
          .map((target) => `${page}: ${target}`);
      });
    expect(dead).toEqual([]);
  });
});
