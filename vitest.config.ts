import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import type { ProvidedContext } from "vitest";
import { PlainSummary } from "./test/support/plain-summary.ts";

/**
 * Which tests are not in `unit`, the project of `npm test`. They need what `npm ci` does not install: a server, another
 * language, a framework that is built, the packed package; or they take their time.
 */
const live = [
  "test/{docs,flask,frameworks,peers,runtimes,services,shared}/**",
  "test/adapters/{express-ecosystem,express-openid-connect,next-app,next-guard-app,socket-io,sveltekit,sveltekit-app}.test.ts",
  "test/express-session/{drop-in-types,interchange,neighbours,stores}.test.ts",
  "test/{django-live,itsdangerous-python,login,opentelemetry,store-contract-mutations}.test.ts",
  "test/package/{commonjs,copies,tarball}.test.ts",
  "test/regular-expressions.test.ts",
  "test/reports/{another-visitors-session,answers-of-others,requests-without-a-socket,settings-of-clients,the-current-request}.test.ts",
];
/** Runs in `unit` with the stores that need no server, and in `live` with the others. */
const onEngines = ["test/stores/{commit-races,http,promises,races,sockets}.test.ts"];
const browser = ["test/browser/**"];
const bench = ["test/bench/**"];
/** Drives the code step by step, in place of timers and random numbers. */
const interleavings = ["test/interleavings/**"];

function project(
  name: ProvidedContext["project"],
  groupOrder: number,
  patterns: readonly string[],
  maxWorkers = 1,
  setupFiles: string[] = [],
): TestProjectInlineConfiguration {
  const include = patterns.map((pattern) => pattern.replace(/\*\*$/, "**/*.test.ts"));
  return {
    extends: true,
    test: { name, include, provide: { project: name }, maxWorkers, setupFiles, sequence: { groupOrder } },
  };
}

export default defineConfig({
  test: {
    reporters: ["default", new PlainSummary()],
    // A hang ends some time; how fast a machine is decides nothing.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/**/*.test.ts"],
      reporter: ["json-summary", "html"],
    },
    // One project after the other, so that nothing else runs while `bench` measures.
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{src,test}/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...live, ...browser, ...bench, ...interleavings],
          provide: { project: "unit" },
          // Files of one worker share their modules, which are loaded once.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      // Two files at a time: they mostly wait, and each has databases, schemas and prefixes of its own.
      project("live", 2, [...live, ...onEngines], 2),
      project("browser", 3, browser),
      project("interleavings", 4, interleavings, 2, ["test/interleavings/setup.ts"]),
      project("bench", 5, bench),
    ],
  },
});
