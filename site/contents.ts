/** A page of the site: the file of the repository that it is made from, and its place in the site. */
export interface Page {
  readonly title: string;
  /** Path in the repository, of a Markdown file. */
  readonly file: string;
  /** Path in the site, without an ending. */
  readonly link: string;
}

export interface Section {
  readonly title: string;
  readonly pages: readonly Page[];
}

const docs = (title: string, name: string): Page => ({ title, file: `docs/${name}.md`, link: `/${name}` });
const framework = (title: string, name: string): Page => docs(title, `frameworks/${name}`);

/** Everything on the site, in the order of its menu; the API reference is generated, and comes last. */
export const contents: readonly Section[] = [
  {
    title: "Start",
    pages: [
      docs("The first ten minutes", "start"),
      docs("Cookie or store?", "cookie-or-store"),
      docs("For people who know Flask", "from-flask"),
      { title: "A whole login", file: "examples/login/README.md", link: "/examples/login" },
      { title: "Hello", file: "examples/hello/README.md", link: "/examples/hello" },
      { title: "Worker", file: "examples/worker/README.md", link: "/examples/worker" },
      { title: "Demo shop", file: "examples/shop/README.md", link: "/examples/shop" },
    ],
  },
  {
    title: "Frameworks",
    pages: [
      { title: "All of them", file: "docs/frameworks/README.md", link: "/frameworks/" },
      framework("Express", "express"),
      framework("Hono", "hono"),
      framework("Next", "next"),
      framework("Fastify", "fastify"),
      framework("SvelteKit", "sveltekit"),
      framework("Astro", "astro"),
      framework("Nuxt", "nuxt"),
      framework("React Router", "react-router"),
      framework("TanStack Start", "tanstack-start"),
      framework("Koa", "koa"),
      framework("h3 and Nitro", "h3"),
      framework("NestJS", "nestjs"),
      framework("Elysia", "elysia"),
      framework("tRPC", "trpc"),
      framework("AWS Lambda", "lambda"),
      framework("AdonisJS", "adonis"),
      framework("WebSockets", "socket"),
      framework("node:http", "node"),
      framework("fetch handlers", "fetch"),
      framework("Cloudflare Workers", "workers"),
      framework("Anything else", "anything-else"),
    ],
  },
  {
    title: "Using it",
    pages: [
      docs("Options", "options"),
      docs("Stores", "stores"),
      docs("A store of your own", "store-contract"),
      docs("Extending hipflask", "extending"),
      docs("Forms", "forms"),
      docs("Schemas", "schema"),
      docs("Testing", "testing"),
      docs("Inspector", "inspector"),
      docs("Command line", "command-line"),
      docs("Changing the cookie", "changing-the-cookie"),
      docs("Deployment checklist", "deployment"),
      docs("Troubleshooting", "troubleshooting"),
      docs("Questions", "faq"),
    ],
  },
  {
    title: "Security",
    pages: [
      docs("What holds, and how it is tested", "security"),
      { title: "Reporting, and the threat model", file: "SECURITY.md", link: "/security-policy" },
    ],
  },
  {
    title: "Moving and sharing",
    pages: [
      docs("From express-session", "from-express-session"),
      docs("From iron-session", "from-iron-session"),
      docs("From other libraries", "migrating"),
      docs("Beside Flask", "beside-flask"),
      docs("Beside Django", "beside-django"),
      docs("Stores of express-session", "stores-express"),
    ],
  },
  {
    title: "The project",
    pages: [
      { title: "How it works", file: "ARCHITECTURE.md", link: "/how-it-works" },
      docs("Benchmarks", "performance"),
      { title: "Changes", file: "CHANGELOG.md", link: "/changelog" },
      { title: "Contributing", file: "CONTRIBUTING.md", link: "/contributing" },
    ],
  },
];
