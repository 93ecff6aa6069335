import { NextResponse, type NextRequest } from "next/server";
import { getSession } from "hipflask";
import { withSession } from "@/lib/session";

export const GET = withSession((request: NextRequest) => {
  getSession(request).username = request.nextUrl.searchParams.get("as") ?? "";
  return NextResponse.json(request.nextUrl.pathname);
});
