// The package holds README.md, CHANGELOG.md and SECURITY.md, and not what they link to. So their links are relative in
// the repository and absolute in the package: npm runs this before it packs, and with --restore afterwards.
import { readFileSync, writeFileSync } from "node:fs";

const FILES = ["README.md", "CHANGELOG.md", "SECURITY.md"];
const RELATIVE = /(!?)(\[[^\]]*\]\()(?![a-z]+:|#)([^)\s]+)/g;

const { repository } = JSON.parse(readFileSync("package.json", "utf8"));
const home = repository.url.replace(/^git\+/, "").replace(/\.git$/, "");
const [page, image] = [`${home}/blob/main/`, `${home}/raw/main/`];

for (const file of FILES) {
  const text = readFileSync(file, "utf8");
  writeFileSync(file, process.argv.includes("--restore") ? restored(text) : absolute(text, file));
}

/** @throws if the text could not be restored */
function absolute(text, file) {
  const result = text.replaceAll(RELATIVE, (link, mark, name, target) =>
    FILES.includes(target) ? link : `${mark}${name}${mark === "" ? page : image}${target}`,
  );
  if (restored(result) === text) return result;
  throw new Error(`${file} has a link to ${home} that is absolute; write it as a path of the repository.`);
}

function restored(text) {
  return text.replaceAll(`](${page}`, "](").replaceAll(`](${image}`, "](");
}
