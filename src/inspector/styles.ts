/**
 * The look. A constructable stylesheet of a shadow tree: no content security policy forbids it, and nothing of it gets into the page.
 * All sizes are in px, because the page's root font size may be anything.
 */
export const STYLES = `
:host {
  all: initial !important;
  position: fixed !important;
  z-index: 2147483647 !important;
  inset: auto 12px 12px auto !important;
  display: block !important;
  max-width: calc(100vw - 24px) !important;
  color-scheme: light dark !important;
}
*, *::before { box-sizing: border-box; }
[hidden] { display: none !important; }

.panel, .pill {
  --ground: #fff; --raised: #f5f6f8; --line: #dfe3e8; --ink: #17202b; --quiet: #5a6675; --focus: #1f5fbf;
  --good: #0b6b45; --good-ground: #dcf3e6; --wait: #8a4b00; --wait-ground: #fdeccf; --bad: #b3261e; --bad-ground: #fce1de; --move: #1f5fbf; --move-ground: #dfebfb;
  color: var(--ink); background: var(--ground); border: 1px solid var(--line);
  font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; text-align: start;
  box-shadow: 0 1px 2px rgb(0 0 0 / .08), 0 12px 32px rgb(0 0 0 / .16);
}
@media (prefers-color-scheme: dark) {
  .panel, .pill {
    --ground: #14181f; --raised: #1d232c; --line: #313a46; --ink: #e8ecf1; --quiet: #9ba7b5; --focus: #7fb0ff;
    --good: #6fd6a4; --good-ground: #12382a; --wait: #f3bd6a; --wait-ground: #412c0c; --bad: #ff9d94; --bad-ground: #4a1c1a; --move: #8fbaff; --move-ground: #1a2f52;
  }
}
.panel { display: flex; flex-direction: column; width: 420px; max-width: 100%; max-height: min(720px, calc(100vh - 24px)); max-height: min(720px, calc(100dvh - 24px)); border-radius: 12px; overflow: hidden; }
.scroll { overflow: auto; overscroll-behavior: contain; padding: 0 14px 4px; }

header { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 14px; border-bottom: 1px solid var(--line); }
h2 { margin: 0; font-size: 14px; font-weight: 650; }
.state { flex: 1; min-width: 0; }
.state::before, .pill::before { content: ''; display: inline-block; width: 8px; height: 8px; margin-inline-end: 6px; border-radius: 50%; background: var(--quiet); }
[data-tone=good]::before { background: var(--good); }
[data-tone=move]::before { background: var(--move); }
[data-tone=wait]::before { background: var(--wait); }
[data-tone=bad]::before { background: var(--bad); }

button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 5px 12px; min-height: 32px; cursor: pointer; }
button:hover { border-color: var(--quiet); }
button:disabled { color: var(--quiet); cursor: default; }
.icon { width: 36px; min-height: 36px; padding: 0; border-color: transparent; background: none; font-size: 16px; line-height: 1; }
.pill { border-radius: 999px; padding: 6px 14px; min-height: 36px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
.scroll:focus-visible { outline-offset: -2px; }

.pause { margin: 12px 0 0; padding: 10px 12px; border-radius: 8px; background: var(--wait-ground); color: var(--wait); }
.pause p { margin: 0; overflow-wrap: anywhere; }
.pause .next { display: flex; justify-content: space-between; align-items: baseline; gap: 8px; font-weight: 600; }
.pause time { font-size: 20px; line-height: 1.2; }
progress { appearance: none; display: block; width: 100%; height: 4px; margin: 6px 0; border: 0; border-radius: 2px; overflow: hidden; background: rgb(128 128 128 / .3); color: currentColor; }
progress::-webkit-progress-bar { background: rgb(128 128 128 / .3); }
progress::-webkit-progress-value { background: currentColor; }
progress::-moz-progress-bar { background: currentColor; }

dl, ol, ul, p { margin: 0; padding: 0; list-style: none; }
dd { margin: 0; }
.totals { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; margin-top: 12px; }
.totals > div { padding: 8px 10px; border-radius: 8px; background: var(--raised); }
.totals dt { color: var(--quiet); font-size: 12px; white-space: nowrap; }
.totals dd { font-size: 19px; line-height: 1.25; font-weight: 600; overflow-wrap: anywhere; }
.totals [data-counter=delivered][data-some] dd { color: var(--good); }
.totals [data-counter=dropped][data-some] dd { color: var(--bad); }

details { border-bottom: 1px solid var(--line); padding: 4px 0; }
.totals + details { margin-top: 8px; }
details:last-of-type { border-bottom: 0; }
summary { padding: 6px 0; min-height: 32px; font-weight: 600; cursor: pointer; border-radius: 6px; }
details > :last-child { padding-bottom: 8px; }
.none, .quiet { color: var(--quiet); }
.facts > div { display: flex; gap: 12px; justify-content: space-between; padding: 2px 0; }
.facts dt { color: var(--quiet); white-space: nowrap; }
.facts dd { text-align: end; overflow-wrap: anywhere; min-width: 0; }
.rows > li { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; padding: 4px 0; }
.grow { flex: 1 1 auto; min-width: 0; }
[data-reason] .grow { flex-basis: 120px; }
.detail { flex: 1 1 100%; color: var(--quiet); overflow-wrap: anywhere; }
.bad { color: var(--bad); }
code { font: 12px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.chip { padding: 0 8px; border-radius: 999px; background: var(--raised); color: var(--quiet); font-size: 12px; white-space: nowrap; }
.chip.good { background: var(--good-ground); color: var(--good); }
.chip.wait { background: var(--wait-ground); color: var(--wait); }
.chip.bad { background: var(--bad-ground); color: var(--bad); }

.events > li { display: grid; grid-template-columns: minmax(0, auto) 1fr auto; gap: 0 8px; align-items: center; padding: 5px 0; }
.name { font-weight: 550; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.said { grid-column: 1 / -1; color: var(--quiet); font-size: 12px; overflow-wrap: anywhere; }
.lost .said { color: var(--bad); }
.way { display: flex; align-items: center; }
.way i { width: 8px; height: 8px; border-radius: 50%; border: 1.5px solid var(--quiet); }
.way i + i { margin-inline-start: 12px; position: relative; }
.way i + i::before { content: ''; position: absolute; inset: 2px auto auto -14px; width: 12px; height: 1px; background: var(--line); }
.way .done { border-color: var(--good); background: var(--good); }
.way .done + .done::before { background: var(--good); }
.lost .way .done { border-color: var(--bad); background: var(--bad); }
.lost .way .done + .done::before { background: var(--bad); }

footer { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; padding: 8px 14px; border-top: 1px solid var(--line); }
.told { flex: 1; min-width: 0; color: var(--quiet); font-size: 12px; }
textarea { flex: 1 1 100%; width: 100%; height: 120px; font: 12px/1.4 ui-monospace, monospace; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; }

@media (max-width: 480px) {
  :host { inset: auto 0 0 0 !important; max-width: none !important; }
  .panel { width: 100%; max-height: 78vh; max-height: 78dvh; border-radius: 14px 14px 0 0; border-width: 1px 0 0; }
  .pill { margin: 0 12px 12px auto; display: block; }
  button { min-height: 40px; }
  .icon { width: 44px; min-height: 44px; }
  summary { min-height: 40px; padding: 10px 0; }
  .totals { gap: 4px; }
  .totals > div { padding: 8px; }
}
@media (max-width: 400px) {
  .totals { grid-template-columns: repeat(2, 1fr); }
}
`;
