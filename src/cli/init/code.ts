import { importLine, type Framework } from "./frameworks.ts";
import type { Project } from "./project.ts";
import type { StoreChoice } from "./stores.ts";

/** The file that configures the sessions of a project. */
export function codeOf(framework: Framework, store: StoreChoice, project: Project): string {
  const { declaration, door, env, isSecure } = framework;
  const url = env("SESSION_STORE");
  const imports = [...(framework.imports ?? []), ["sessions", door] as const, ...store.imports];
  const value = store.value?.(url);
  const paragraphs = [
    imports.map(([names, from]) => importLine(names, from)),
    project.isTyped
      ? ['declare module "hipflask" {', "  interface SessionData {", "    username: string;", "  }", "}"]
      : [],
    store.setUp?.(url) ?? [],
    [
      `${declaration} = sessions({`,
      `  secretKey: ${env("SECRET_KEY")},`,
      `  cookieSameSite: "Lax",`,
      `  cookieSecure: ${isSecure},`,
      ...(value === undefined ? [] : [`  store: ${value},`]),
      "});",
    ],
  ];
  const text = `${paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
  return isRequired(framework, project) ? asCommonJs(text) : text;
}

/** Whether the project loads its files with `require`, without a compiler. */
export function isRequired({ isCompiled = false }: Framework, { isTyped, isCommonJs }: Project): boolean {
  return isCommonJs && !isTyped && !isCompiled;
}

/** Converts code to CommonJS. */
export function asCommonJs(text: string): string {
  return text
    .replaceAll(/^import (\{[^{}\n]*\}) from ("[^"\n]*");$/gm, "const $1 = require($2);")
    .replaceAll(/^export const (\w+) =/gm, "exports.$1 =");
}
