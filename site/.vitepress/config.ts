import { defineConfig } from "vitepress";
import { contents } from "../contents.ts";

export default defineConfig({
  title: "hipflask",
  description: "Flask's session for TypeScript servers",
  srcDir: "generated/pages",
  outDir: "dist",
  cleanUrls: true,
  lastUpdated: false,
  ignoreDeadLinks: "localhostLinks",
  appearance: true,
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    // Pages are Markdown and no templates of Vue: braces in them, as of Jinja, mean themselves.
    config({ renderer }) {
      for (const rule of ["text", "code_inline"] as const) {
        const render = renderer.rules[rule]!;
        renderer.rules[rule] = (...token) => render(...token).replaceAll("{{", "{&#123;");
      }
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/start" },
      { text: "Frameworks", link: "/frameworks/" },
      { text: "Stores", link: "/stores" },
      { text: "API", link: "/api/" },
    ],
    sidebar: [
      ...contents.map(({ title, pages }) => ({
        text: title,
        collapsed: title === "Frameworks",
        items: pages.map(({ title, link }) => ({ text: title, link })),
      })),
      { text: "Reference", items: [{ text: "API", link: "/api/" }] },
    ],
    socialLinks: [{ icon: "github", link: "https://github.com/hipflask/hipflask" }],
  },
});
