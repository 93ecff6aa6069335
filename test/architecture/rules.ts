import type { Module } from "./modules.ts";

/** From the ground up. A layer holds groups; a group is a list of files and folders (with a slash at the end). */
export type Layers = readonly (readonly (readonly string[])[])[];

/** Which files may import which package from outside; each entry is the beginning of their paths. */
export type Homes = Readonly<Record<string, readonly string[]>>;

const covers = (entry: string, path: string) =>
  entry === path || (entry.endsWith("/") && path.startsWith(entry));

/** @returns which layer and which group a file belongs to. */
function placeOf(path: string, layers: Layers): { layer: number; group: readonly string[] } | undefined {
  for (const [layer, groups] of layers.entries()) {
    const group = groups.find((entries) => entries.some((entry) => covers(entry, path)));
    if (group) return { layer, group };
  }
  return undefined;
}

/** Imports that go upward, or sideways into another group of the same layer; and files without a layer. */
export function layerFaults(modules: readonly Module[], layers: Layers): string[] {
  return modules.flatMap(({ path, imports }) => {
    const from = placeOf(path, layers);
    if (!from) return [`${path} belongs to no layer`];
    return imports.flatMap((target) => {
      const to = placeOf(target, layers);
      if (!to || to.layer < from.layer || to.group === from.group) return [];
      return [`${path} (layer ${from.layer + 1}) imports ${target} (layer ${to.layer + 1})`];
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
