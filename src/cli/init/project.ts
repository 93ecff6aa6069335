import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../errors.ts";
import { FRAMEWORKS } from "./frameworks.ts";

/** The properties of a project that `init` needs. */
export interface Project {
  readonly folder: string;
  /** Its source is TypeScript. */
  readonly isTyped: boolean;
  /** Its `.js` files are CommonJS. */
  readonly isCommonJs: boolean;
  /** Its source is in `src`. */
  readonly hasSource: boolean;
  /** The framework it uses, a key of {@link FRAMEWORKS}. */
  readonly framework: string | undefined;
  readonly dependencies: ReadonlySet<string>;
}

/** @throws ConfigError if there is no project in this folder */
export function projectIn(folder: string): Project {
  const manifest = manifestOf(folder);
  const dependencies = new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
  return {
    folder,
    isTyped: existsSync(join(folder, "tsconfig.json")) || dependencies.has("typescript"),
    isCommonJs: manifest.type !== "module",
    hasSource: existsSync(join(folder, "src")),
    framework: Object.keys(FRAMEWORKS).find((name) => dependencies.has(FRAMEWORKS[name]!.dependency)),
    dependencies,
  };
}

interface Manifest {
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  const path = join(folder, "package.json");
  if (!existsSync(path))
    throw new ConfigError(
      "There is no package.json here. Go to the folder of your app, or create one: npm init -y",
    );
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Manifest;
  } catch {
    throw new ConfigError("The package.json here is not JSON.");
  }
}
