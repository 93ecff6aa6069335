export { proxy } from "@/lib/session";

export const config = { matcher: "/((?!_next/static|_next/image|favicon.ico).*)" };
