/** The page's style sheet, for light and dark mode. */
export const STYLE: string = `
:root {
  color-scheme: light dark;
  --bg: light-dark(#f4f2ea, #0c1512); --card: light-dark(#fffefa, #13211c); --deep: light-dark(#f0ede2, #0a120f);
  --ink: light-dark(#1b2522, #e7f0eb); --soft: light-dark(#5b6964, #9db3aa); --line: light-dark(#dcd7c8, #263d34);
  --data: light-dark(#0b6e52, #7fe0bb); --time: light-dark(#8a5a00, #f4c969); --sign: light-dark(#b0402a, #f79a86);
  --good: light-dark(#0b7a55, #5bd3a0); --bad: light-dark(#b3261e, #ff8d77); --on: light-dark(#2b5fab, #8fbaff);
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3, p, ol, ul, dl, dd, pre { margin: 0; padding: 0; }
ol, ul { list-style: none; }
code, pre { font: 0.86em/1.5 var(--mono); }
:focus-visible { outline: 2px solid var(--on); outline-offset: 2px; }
.top, main { max-width: 84rem; margin-inline: auto; padding-inline: clamp(0.9rem, 3vw, 2rem); }
.top { padding-block: 1.4rem 1rem; display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.35rem; letter-spacing: -0.01em; }
h1 small { color: var(--soft); font-weight: 400; }
.top p { color: var(--soft); }
main { display: grid; gap: 1.2rem; padding-bottom: 3rem; }
@media (min-width: 68rem) { main { grid-template-columns: minmax(0, 1fr) 24rem; align-items: start; } .tools { position: sticky; top: 1rem; } }
h2 { font-size: 1.02rem; display: flex; align-items: center; gap: 0.6rem; }
.flow > h2 { margin-bottom: 0.6rem; }
.pulse { display: none; font-size: 0.78rem; font-weight: 600; color: var(--good); }
.pulse::before { content: ""; display: inline-block; width: 0.5rem; height: 0.5rem; margin-right: 0.35rem; border-radius: 50%; background: currentColor; }
.live .pulse { display: inline; }
.lost .pulse { color: var(--bad); }
.none { color: var(--soft); padding: 1rem; border: 1px dashed var(--line); border-radius: 12px; }
.requests { display: grid; gap: 0.5rem; }
.request, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.2rem 0.7rem; padding: 0.6rem 0.9rem; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
.method { font: 700 0.78rem/1 var(--mono); min-width: 2.6rem; }
.path { flex: 1 1 8rem; min-width: 0; }
.gist { color: var(--soft); font-size: 0.86rem; }
.gist.lamp-good { color: var(--good); } .gist.lamp-bad { color: var(--bad); } .gist.lamp-on { color: var(--on); }
.status { font: 600 0.82rem/1 var(--mono); }
.bad { color: var(--bad); }
summary time { color: var(--soft); font: 0.78rem/1 var(--mono); }
.steps { padding: 0.2rem 0.9rem 0.9rem; }
.step { --lamp: var(--line); position: relative; padding: 0 0 0.8rem 1.35rem; font-size: 0.88rem; color: var(--ink); }
.step:last-child { padding-bottom: 0; }
.step::before { content: ""; position: absolute; left: 0; top: 0.3rem; width: 0.75rem; height: 0.75rem; border-radius: 50%; border: 2px solid var(--card); background: var(--lamp); box-shadow: 0 0 0 1px var(--lamp); z-index: 1; }
.step:not(:last-child)::after { content: ""; position: absolute; left: calc(0.375rem - 1px); top: 0.7rem; bottom: -0.4rem; width: 2px; background: var(--line); }
.lamp-on { --lamp: var(--on); } .lamp-good { --lamp: var(--good); } .lamp-bad { --lamp: var(--bad); }
.step.lamp-off > div { color: var(--soft); }
.step h3 { font: 650 0.84rem/1.4 var(--mono); }
small { color: var(--soft); font-weight: 400; font-size: 0.78rem; }
.note { display: block; }
small { white-space: nowrap; }
dt small, .device { white-space: normal; }
.badge { padding: 0 0.5rem; border-radius: 99px; background: var(--good); color: var(--card); font-size: 0.76rem; font-weight: 600; }
.line { display: block; color: var(--soft); margin-top: 0.2rem; }
@media (min-width: 48rem) {
  .steps { display: grid; grid-template-columns: 0.85fr 1.2fr 1.2fr 1.1fr 1.1fr; gap: 0.9rem; padding-top: 0.4rem; }
  .step { padding: 1.35rem 0 0; }
  .step::before { top: 0.1rem; }
  .step:not(:last-child)::after { left: 0.9rem; right: -0.8rem; top: calc(0.475rem - 1px); bottom: auto; width: auto; height: 2px; }
}
.size { display: block; font-size: 0.82rem; color: var(--soft); }
.size .bad { color: var(--bad); }
meter { display: block; width: 100%; height: 0.7rem; }
.tools { display: grid; gap: 1.2rem; }
.card { padding: 0.9rem 1rem 1rem; }
form { margin-top: 0.5rem; display: grid; gap: 0.5rem; justify-items: start; }
label { color: var(--soft); font-size: 0.86rem; }
textarea, input:not([type=hidden]) { width: 100%; min-width: 0; padding: 0.5rem 0.6rem; border: 1px solid var(--line); border-radius: 8px; background: var(--deep); color: inherit; font: 0.86rem/1.4 var(--mono); }
textarea { resize: vertical; }
.row { display: flex; gap: 0.5rem; width: 100%; }
button { flex: none; white-space: nowrap; min-height: 2.4rem; padding: 0.3rem 1rem; border: 0; border-radius: 8px; background: var(--ink); color: var(--card); font: 600 0.88rem/1 system-ui, sans-serif; cursor: pointer; }
button.danger { background: none; border: 1px solid currentColor; color: var(--bad); }
.inspected { margin-top: 1rem; display: grid; gap: 0.6rem; }
.verdict { padding: 0.5rem 0.7rem; border-left: 3px solid var(--lamp, var(--line)); background: var(--deep); border-radius: 0 8px 8px 0; font-size: 0.9rem; }
.cookie-text { display: block; max-height: 9rem; overflow-y: auto; padding: 0.6rem 0.7rem; border-radius: 8px; background: var(--deep); }
.c-data { color: var(--data); } .c-time { color: var(--time); } .c-sign { color: var(--sign); }
.dot { font-weight: 700; }
dl { display: grid; gap: 0.6rem; }
dt { font-weight: 650; font-size: 0.88rem; }
dd { font-size: 0.86rem; }
pre { max-height: 14rem; overflow: auto; padding: 0.6rem 0.7rem; border-radius: 8px; background: var(--deep); white-space: pre-wrap; }
.sessions { display: grid; margin-top: 0.8rem; }
.sessions li { display: flex; justify-content: space-between; gap: 0.8rem; padding-block: 0.7rem; border-top: 1px solid var(--line); }
.sessions li > div { min-width: 0; }
.sessions form { margin: 0; align-self: start; }
.device, .sessions small { display: block; }
.device { font-size: 0.86rem; }
`;
