// Keeps the flow up to date when this browser does something in another tab. The shop works just as well without.

const panel = () => document.getElementById("flow");
const touched = new Map();
let stream;

/** Streams only while the page is visible: browsers allow few connections to one host. */
function follow() {
  stream?.close();
  if (document.hidden || panel() === null) return;
  stream = new EventSource("/flow/stream");
  stream.addEventListener("message", ({ data }) => {
    if (data !== panel().dataset.version) void refresh();
  });
}

async function refresh() {
  const response = await fetch("/flow");
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("flow");
  if (fresh === null) return;
  const { scrollTop } = panel();
  const focused = document.activeElement?.id;
  for (const [id, isOpen] of touched) fresh.querySelector(`#${id}`)?.toggleAttribute("open", isOpen);
  panel().replaceWith(fresh);
  fresh.scrollTop = scrollTop;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** Times come in UTC; a browser knows where its visitor is. */
function inLocalTime(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.textContent = new Date(time.dateTime).toLocaleString(undefined, {
      dateStyle: "medium",
      timeStyle: "short",
    });
  }
}

inLocalTime(document);

// What a visitor opened or closed stays that way.
document.addEventListener("click", ({ target }) => {
  const request = target.closest?.("details.request > summary")?.parentElement;
  if (request) touched.set(request.id, !request.open);
});

document.addEventListener("visibilitychange", follow);

// The back button may bring back a page as it was left; ask for it as it is now.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});
addEventListener("pagehide", () => stream?.close());

follow();
