// The part of Next that is called. Next itself is not a dependency: it is too large to install for its types.

declare module "next/headers.js" {
  /** The cookies of the request being handled: readable anywhere, writable where Next can still send headers. */
  export function cookies(): Promise<import("./cookies.ts").NextCookies>;
  /** The headers of the request being handled, as the client sent them. */
  export function headers(): Promise<{ get(name: string): string | null }>;
}

declare module "next/server.js" {
  export const NextResponse: {
    /** The response of a proxy that lets the request continue. */
    next(): Response & { readonly cookies: import("./cookies.ts").NextCookieWriter };
  };
}
