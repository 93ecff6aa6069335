/**
 * Several copies of this package can be loaded in one process: its ES modules and its CommonJS build, two installations,
 * other versions. Each copy has its own state, finds the requests of the others, and recognises their errors and values.
 */

/** The version in `package.json`; a test compares them. */
export const VERSION = "0.1.0";

/** How copies ask each other for a request's context. Other versions call this, so it must not change. */
export interface Requests {
  /** The context of the request being handled. */
  current(): object | undefined;
  /** The context of a request, found by one of the framework's objects. */
  of(request: object): object | undefined;
}

const COPIES = Symbol.for("hipflask.copies");

interface Copy {
  readonly version: string;
  /** Created while the copy is loaded: its stack contains the path, in CommonJS, in ES modules and in bundles. */
  readonly loaded: Error;
  readonly requests: Requests[];
}

const copies: Copy[] = ((globalThis as { [COPIES]?: Copy[] })[COPIES] ??= []);
const own: Copy = { version: VERSION, loaded: new Error("loaded"), requests: [] };
copies.push(own);

/** Lets the other copies find this copy's requests. */
export function showRequests(requests: Requests): void {
  own.requests.push(requests);
}

/** Asks the other copies for a request's context, one after the other. */
export function askOtherCopies(ask: (requests: Requests) => object | undefined): object | undefined {
  for (const copy of copies) {
    if (copy === own) continue;
    for (const requests of copy.requests) {
      const context = ask(requests);
      if (context !== undefined) return context;
    }
  }
  return undefined;
}

/** Lets `instanceof` recognise instances of other copies. @param name of the class, since bundlers rename classes */
export function shareClass(name: string, Class: abstract new (...args: never) => object): void {
  const kind = Symbol.for(`hipflask.${name}`);
  Object.defineProperty(Class.prototype, kind, { value: true });
  Object.defineProperty(Class, Symbol.hasInstance, {
    // Subclasses inherit this method and need the default behaviour.
    value(this: unknown, value: { [kind]?: true } | null | undefined): boolean {
      return this === Class ? value?.[kind] === true : isOrdinaryInstance.call(this, value);
    },
  });
}

const isOrdinaryInstance = Function.prototype[Symbol.hasInstance];

/** The versions that are loaded, if there are several, as the end of an error message; otherwise `""`. */
export function otherVersions(): string {
  if (copies.every(({ version }) => version === VERSION)) return "";
  const places = new Set(copies.map(({ version, loaded }) => `${version} from ${folderOf(loaded)}`));
  return ` Two copies of hipflask are loaded, ${[...places].join(" and ")}: see \`npm ls hipflask\`.`;
}

/** The package's folder from which a copy was loaded. */
function folderOf({ stack = "" }: Error): string {
  const frame = stack.split("\n").find((line) => /:\d+:\d+\)?$/.test(line)) ?? "";
  const start = frame.search(/\/|[A-Z]:[\\/]/);
  if (start === -1) return "an unknown place";
  const path = frame
    .slice(start)
    .replace(/^\/+/, "/")
    .replace(/:\d+:\d+\)?$/, "");
  // The last match, since parent folders of the package can have the same names.
  const end = Math.max(...BUILT.map((name) => path.lastIndexOf(name)));
  return end === -1 ? path : path.slice(0, end);
}

const BUILT = ["/dist/", "/src/", "\\dist\\", "\\src\\"];
