import type { ResponseHeaders } from "../http/response-headers.ts";
import type { SessionResponse } from "./session-interface.ts";

/** The same response with headers that an interface around another one watches. */
export function withHeaders(response: SessionResponse, headers: ResponseHeaders): SessionResponse {
  return {
    status: response.status,
    headers,
    // Asked for only where it matters: by then a connection may be gone.
    get secure() {
      return response.secure;
    },
  };
}
