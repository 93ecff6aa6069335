import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isExportDeclaration, isExportSpecifier } from "typescript/unstable/ast";
import { API, SymbolFlags, type Checker, type Symbol } from "typescript/unstable/sync";

const ROOT = join(import.meta.dirname, "../..");

/** One name that users can import, as the compiler sees it. */
export interface PublicName {
  /** As in `package.json`: `.`, `./hono`, … */
  readonly subpath: string;
  readonly name: string;
  readonly kind: "class" | "function" | "value" | "type";
  /** The text of the doc comment, with `@returns` if that says it all. */
  readonly doc: string;
  /** The texts of its `@example`s. */
  readonly examples: readonly string[];
  /** File and line of the declaration. */
  readonly declaredIn: string;
}

/** The subpaths of `package.json` that lead to code, with the source file behind each. */
export function subpaths(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    exports: Record<string, { import: { default: string } } | string>;
  };
  const sources = new Map<string, string>();
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === "string") continue;
    sources.set(subpath, target.import.default.replace("./dist/", "src/").replace(/\.js$/, ".ts"));
  }
  return sources;
}

/** Asks the compiler for everything that `package.json` lets users import; a subpath without a source has no names. */
export function publicNames(): PublicName[] {
  const api = new API({ cwd: ROOT });
  try {
    const config = join(ROOT, "tsconfig.build.json");
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (!project) throw new Error(`no project ${config}`);
    const { checker, program } = project;
    return [...subpaths()].flatMap(([subpath, source]) => {
      const file = program.getSourceFile(join(ROOT, source));
      const module = file && checker.getSymbolAtLocation(file);
      if (!module) return [];
      return checker.getExportsOfModule(module).map((symbol) => describeSymbol(subpath, symbol, checker));
    });
  } finally {
    api.close();
  }
}

function describeSymbol(subpath: string, exported: Symbol, checker: Checker): PublicName {
  const symbol = isAlias(exported) ? checker.getAliasedSymbol(exported) : exported;
  const tags = checker.getJsDocTagsOfSymbol(symbol);
  const textsOf = (name: string) =>
    tags.filter((tag) => tag.name === name).map(({ text }) => String(text ?? ""));
  return {
    subpath,
    name: exported.name,
    kind: isTypeOnly(exported) ? "type" : kindOf(symbol.flags),
    doc: checker.getDocumentationCommentOfSymbol(symbol) || textsOf("returns").join("\n"),
    examples: textsOf("example"),
    declaredIn: String(symbol.declarations[0]?.path).slice(ROOT.length + 1),
  };
}

function isAlias(symbol: Symbol): boolean {
  return (symbol.flags & SymbolFlags.Alias) !== 0;
}

/** `export type { SomeClass }` gives away the type alone. */
function isTypeOnly(exported: Symbol): boolean {
  const specifier = exported.declarations[0]?.resolve();
  if (!specifier || !isExportSpecifier(specifier)) return false;
  const statement = specifier.parent.parent;
  return specifier.isTypeOnly || (isExportDeclaration(statement) && statement.isTypeOnly);
}

function kindOf(flags: SymbolFlags): PublicName["kind"] {
  if ((flags & SymbolFlags.Class) !== 0) return "class";
  if ((flags & SymbolFlags.Function) !== 0) return "function";
  return (flags & SymbolFlags.Value) === 0 ? "type" : "value";
}
