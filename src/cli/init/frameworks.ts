/** Names, and the module they come from. */
export type Import = readonly [names: string, from: string];

/** The line of an import. It is put together here, since what looks like an import of this package's is taken for one. */
export function importLine(names: string, from: string): string {
  return ["import", "{", names, "}", "from", `"${from}";`].join(" ");
}

/** Where something goes, and the lines that go there. */
export type Step = readonly [where: string, lines: readonly string[]];

/** A framework that `init` knows. */
export interface Framework {
  /** The dependency by which it is recognised. */
  readonly dependency: string;
  /** The file to write, without its ending; `src/` is put before it where the project has that folder. */
  readonly file: string;
  /** It is there in `src/` or `app/` always, or follows the project. */
  readonly isFixed?: boolean;
  /** Its projects are bundled or compiled, so modules are written as `import` whatever package.json says. */
  readonly isCompiled?: boolean;
  /** What the file exports, up to the call of `sessions`. */
  readonly declaration: string;
  /** The subpath of hipflask. */
  readonly door: string;
  /** What else the file imports. */
  readonly imports?: readonly Import[];
  /** How its code reads a variable of the environment. */
  readonly env: (name: string) => string;
  /** Whether the app serves people over HTTPS. */
  readonly isSecure: string;
  /** What is left to add by hand. @param module how the written file is imported */
  readonly left: (module: string, isTyped: boolean) => readonly Step[];
}

const ON_NODE = {
  file: "sessions",
  declaration: "export const withSessions",
  env: (name: string) => `process.env.${name}`,
  isSecure: 'process.env.NODE_ENV === "production"',
} as const;

const IN_HANDLERS: readonly string[] = [importLine("session", "hipflask"), 'session.username = "ada";'];

const inApp =
  (call: string) =>
  (module: string, isTyped: boolean): readonly Step[] => [
    ["the file that makes the app, before its routes", [importLine("withSessions", module), call]],
    ["any handler", IN_HANDLERS],
    [
      "the command that starts it",
      [isTyped ? "npx tsx --env-file=.env app.ts" : "node --env-file=.env app.js"],
    ],
  ];

/** Those that most people use; the first whose dependency is there is the one of a project. */
export const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  next: {
    ...ON_NODE,
    dependency: "next",
    file: "lib/session",
    isCompiled: true,
    declaration: "export const { session, withSession, proxy }",
    door: "hipflask/next",
    left: (module, isTyped) => [
      [
        "a server component, inside <Suspense>",
        [importLine("session", module), "const { username } = await session();"],
      ],
      [
        "an action or a route handler",
        [
          importLine("session, withSession", module),
          `export const login = withSession(async (form${isTyped ? ": FormData" : ""}) => {`,
          '  (await session()).username = String(form.get("username"));',
          "});",
        ],
      ],
    ],
  },
  sveltekit: {
    dependency: "@sveltejs/kit",
    file: "src/hooks.server",
    isFixed: true,
    isCompiled: true,
    declaration: "export const handle",
    door: "hipflask/sveltekit",
    imports: [
      ["dev", "$app/environment"],
      ["env", "$env/dynamic/private"],
    ],
    env: (name) => `env.${name}`,
    isSecure: "!dev",
    left: () => [["any load function, action or endpoint", IN_HANDLERS]],
  },
  astro: {
    dependency: "astro",
    file: "src/middleware",
    isFixed: true,
    isCompiled: true,
    declaration: "export const onRequest",
    door: "hipflask/astro",
    imports: [["getSecret", "astro:env/server"]],
    env: (name) => `getSecret("${name}")`,
    isSecure: "import.meta.env.PROD",
    left: () => [
      ["astro.config.mjs, after npx astro add node", ['output: "server",']],
      ["any page, action or endpoint", IN_HANDLERS],
    ],
  },
  "react-router": {
    ...ON_NODE,
    dependency: "@react-router/dev",
    file: "app/sessions.server",
    isFixed: true,
    isCompiled: true,
    door: "hipflask/react-router",
    left: () => [
      [
        "app/root.tsx",
        [importLine("withSessions", "./sessions.server"), "export const middleware = [withSessions];"],
      ],
      ["react-router.config.ts", ["future: { v8_middleware: true },"]],
      ["any loader or action", IN_HANDLERS],
    ],
  },
  nestjs: {
    ...ON_NODE,
    dependency: "@nestjs/core",
    isCompiled: true,
    door: "hipflask/express",
    left: (module) => [
      [
        "main.ts, after NestFactory.create",
        [importLine("withSessions", module.replace(/\.js$/, "")), "app.use(withSessions);"],
      ],
      ["any controller or service", IN_HANDLERS],
      ["the command that starts it", ["nest start --watch --env-file .env"]],
    ],
  },
  fastify: {
    ...ON_NODE,
    dependency: "fastify",
    door: "hipflask/fastify",
    left: inApp("app.register(withSessions);"),
  },
  hono: {
    ...ON_NODE,
    dependency: "hono",
    door: "hipflask/hono",
    left: inApp("app.use(withSessions);"),
  },
  koa: {
    ...ON_NODE,
    dependency: "koa",
    door: "hipflask/koa",
    left: inApp("app.use(withSessions);"),
  },
  express: {
    ...ON_NODE,
    dependency: "express",
    door: "hipflask/express",
    left: inApp("app.use(withSessions);"),
  },
};
