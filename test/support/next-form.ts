import { expect } from "vitest";
import { frameworks } from "./frameworks.ts";
import type { PlainResponse, PlainVisitor } from "./plain-visitor.ts";

type Fields = Record<string, string>;

/** Fills in and sends a form of a page of a Next app, as a browser without scripts does. */
export async function submitForm(
  visitor: PlainVisitor,
  path: string,
  fields: Fields = {},
  { form = /<form/, headers = {} }: { form?: RegExp; headers?: Fields } = {},
): Promise<PlainResponse> {
  const page = await visitor.get(path);
  const html = page.body.slice(page.body.search(form)).split("</form>")[0]!;
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?\/>/g)];
  expect(hidden).not.toEqual([]);
  const data = new FormData();
  for (const [, name = "", value = ""] of hidden) data.set(name, value);
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return send(visitor, path, data, headers);
}

/** Calls the action of a page's first form, as Next's own script does. */
export async function callAction(
  visitor: PlainVisitor,
  path: string,
  fields: Fields,
): Promise<PlainResponse> {
  const page = await visitor.get(path);
  const [, id = ""] = /name="\$ACTION_ID_([0-9a-f]+)"/.exec(page.body) ?? [];
  const given = new FormData();
  for (const [name, value] of Object.entries(fields)) given.set(name, value);
  const react = frameworks().require("next/dist/compiled/react-server-dom-webpack/client.node.js") as {
    encodeReply(args: unknown[]): Promise<FormData>;
  };
  return send(visitor, path, await react.encodeReply([given]), {
    "Next-Action": id,
    Accept: "text/x-component",
  });
}

async function send(
  visitor: PlainVisitor,
  path: string,
  data: FormData,
  headers: Fields,
): Promise<PlainResponse> {
  const request = new Request("http://localhost", { method: "POST", body: data });
  const type = { "Content-Type": request.headers.get("Content-Type")! };
  return visitor.send("POST", path, { ...type, ...headers }, await request.text());
}
