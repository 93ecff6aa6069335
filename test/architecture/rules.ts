import type { Module } from "./modules.ts";

/** Folders of `src` (with a slash at the end) and files in it, and the rooms that each may import from. */
export type Rooms = ReadonlyMap<string, readonly string[]>;

/** Which files may import which package from outside; each entry is the beginning of their paths. */
export type Homes = Readonly<Record<string, readonly string[]>>;

const ROW = /^\|((?: `[\w./-]+`,?)+) \|[^|]*\|([^|]*)\|$/gm;
const NAME = /`([\w./-]+)`/g;

/**
 * Reads the table of rooms from a Markdown page: a row names one or more rooms, what is in them, and the rooms they
 * import from. What those import from is included.
 */
export function readRooms(page: string): Rooms {
  const direct = new Map<string, string[]>();
  for (const [, rooms = "", imports = ""] of page.matchAll(ROW)) {
    const below = [...imports.matchAll(NAME)].map(([, name]) => name as string);
    for (const [, room] of rooms.matchAll(NAME)) direct.set(room as string, below);
  }
  const reach = (room: string): string[] =>
    (direct.get(room) ?? []).flatMap((name) => [name].concat(reach(name)));
  return new Map([...direct.keys()].map((room) => [room, [...new Set(reach(room))]]));
}

/** @returns the room a file is in: the file itself, or a folder above it. */
function roomOf(path: string, rooms: Rooms): string | undefined {
  return [...rooms.keys()].find((room) => room === path || (room.endsWith("/") && path.startsWith(room)));
}

/** Imports that the table does not allow, and files without a room. */
export function roomFaults(modules: readonly Module[], rooms: Rooms): string[] {
  return modules.flatMap(({ path, imports }) => {
    const from = roomOf(path, rooms);
    if (from === undefined) return [`${path} is in no room`];
    return imports.flatMap((target) => {
      const to = roomOf(target, rooms);
      if (to === undefined || to === from || rooms.get(from)?.includes(to)) return [];
      return [`${path} imports ${target}`];
    });
  });
}

/** Import cycles, each once, as `a → b → a`. */
export function cycles(modules: readonly Module[]): string[] {
  const graph = new Map(modules.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start !== -1) found.push([...way.slice(start), path].join(" → "));
    if (start !== -1 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

/** Packages and sockets imported outside of the files they are at home in. */
export function homeFaults(modules: readonly Module[], homes: Homes, platform: readonly string[]): string[] {
  return modules.flatMap(({ path, outside }) =>
    outside.flatMap((name) => {
      if (platform.includes(name)) return [];
      const [, packageName = name] = /^((?:@[^/]+\/)?[^/]+)/.exec(name) ?? [];
      const home = homes[packageName];
      if (!home) return [`${path} imports ${packageName}, which has no home`];
      return home.some((entry) => path.startsWith(entry)) ? [] : [`${path} imports ${packageName}`];
    }),
  );
}
