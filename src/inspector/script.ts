/** Loads new requests while the page is visible, without closing open details. Without scripts, the page can be reloaded. */
export const SCRIPT: string = `
const flow = () => document.getElementById("flow");
const opened = () => new Set([...document.querySelectorAll("details.request")].filter((d) => d.open).map((d) => d.id));
async function refresh() {
  const url = new URL(location.pathname, location.href);
  url.searchParams.set("since", flow().dataset.count);
  const answer = await fetch(url, { redirect: "error" });
  if (answer.status !== 200) return answer.status === 204;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("flow");
  if (page === null) return false;
  const keep = opened(), newest = flow().querySelector("details.request");
  const follows = newest === null || newest.open;
  for (const details of page.querySelectorAll("details.request")) {
    details.open = keep.has(details.id) || (follows && details === page.querySelector("details.request"));
  }
  flow().replaceWith(document.adoptNode(page));
  return true;
}
async function watch() {
  let isLive = true;
  if (!document.hidden) isLive = await refresh().catch(() => false);
  document.documentElement.classList.toggle("lost", !isLive);
  setTimeout(watch, isLive ? 1000 : 5000);
}
document.documentElement.classList.add("live");
watch();
`;
