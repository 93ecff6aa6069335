import type { RequestCookies } from "./accepted-cookie.ts";

/** Joins a value split over `name.0`, `name.1`, … up to the first gap; `undefined` without the first. */
export function joinChunks(cookies: RequestCookies, name: string, most: number): string | undefined {
  let text: string | undefined;
  for (let i = 0; i < most; i++) {
    const chunk = cookies.get(`${name}.${i}`);
    if (chunk === undefined) break;
    text = (text ?? "") + chunk;
  }
  return text;
}
