import { NextResponse, type NextRequest } from "next/server";
import { session } from "hipflask";
import { withSession } from "@/lib/session";

export const proxy = withSession((request: NextRequest) => {
  if (request.nextUrl.pathname.startsWith("/account") && !session.username) {
    session.flash("Log in first");
    return NextResponse.redirect(new URL("/", request.url));
  }
  return undefined; // goes on, as NextResponse.next() does
});
