import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly import: { readonly default: string } }>>;
}

const { MUTATE, TESTS = "[]" } = process.env;
const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;

/** `hipflask` is the source here, which is changed, and not the build. */
export default defineConfig({
  resolve: {
    alias: Object.entries(exports).flatMap(([subpath, target]) =>
      typeof target === "string"
        ? []
        : {
            find: new RegExp(`^hipflask${subpath.slice(1)}$`),
            replacement: `${process.cwd()}/${target.import.default.replace("./dist", "src").replace(/\.js$/, ".ts")}`,
          },
    ),
  },
  test: {
    include: [`src/${MUTATE}/**/*.test.ts`, ...(JSON.parse(TESTS) as string[])],
    provide: { project: "unit" },
    testTimeout: 60_000,
  },
});
