"use strict";
// Crosshair of the charts over time: nearest row of the data that lies beside each drawing.
const minus = t => t.replace("-", "\u2212");
const shown = (v, unit) => v === null ? "\u2013"
  : unit === "pct" ? minus((v * 100).toFixed(2)) + " %"
  : unit === "usd" ? minus(Math.round(v).toLocaleString("en-US")) + " $"
  : minus(v.toLocaleString("en-US", {maximumSignificantDigits: 5}));
const nearest = (xs, x) => {
  let low = 0, high = xs.length - 1;
  while (high - low > 1) { const mid = (low + high) >> 1; if (xs[mid] < x) low = mid; else high = mid; }
  return x - xs[low] < xs[high] - x ? low : high;
};
for (const plot of document.querySelectorAll(".plot")) {
  const drawing = plot.querySelector("svg.time"), source = plot.querySelector("script");
  if (!drawing || !source) continue;
  const data = JSON.parse(source.textContent), [left, right, top, bottom] = data.box;
  const rule = document.createElementNS(drawing.namespaceURI, "line");
  rule.setAttribute("class", "cross"); rule.setAttribute("y1", top); rule.setAttribute("y2", bottom);
  const tip = document.createElement("div");
  tip.className = "tip"; tip.hidden = true; plot.append(tip);
  const away = () => { tip.hidden = true; rule.remove(); };
  drawing.addEventListener("pointerleave", away);
  drawing.addEventListener("pointermove", event => {
    const frame = drawing.getBoundingClientRect(), scale = frame.width / drawing.viewBox.baseVal.width;
    const at = (event.clientX - frame.left) / scale;
    if (at < left || at > right) return away();
    const first = data.x[0], last = data.x[data.x.length - 1];
    const row = nearest(data.x, first + (at - left) / (right - left) * (last - first));
    const x = left + (data.x[row] - first) / (last - first) * (right - left);
    rule.setAttribute("x1", x); rule.setAttribute("x2", x); drawing.append(rule);
    tip.replaceChildren();
    const when = document.createElement("b");
    when.textContent = new Date(data.x[row]).toISOString().slice(0, 16).replace("T", " ") + " UTC";
    tip.append(when);
    for (const series of data.s) {
      const line = document.createElement("div"), name = document.createElement("span"), value = document.createElement("span");
      const swatch = document.createElement("i"); swatch.className = series.c;
      name.append(swatch, series.n); value.textContent = shown(series.v[row], data.u);
      line.append(name, value); tip.append(line);
    }
    tip.hidden = false;
    const room = plot.clientWidth - tip.offsetWidth;
    tip.style.left = Math.max(0, Math.min(room, x * scale + (x * scale > plot.clientWidth / 2 ? -tip.offsetWidth - 12 : 12))) + "px";
    tip.style.top = top * scale + "px";
  });
}
// Details of a trade, closed at first; without this script they are all open.
for (const button of document.querySelectorAll("button.why")) {
  const detail = button.closest("tbody").querySelector(".detail");
  detail.hidden = true;
  button.addEventListener("click", () => {
    detail.hidden = !detail.hidden;
    button.setAttribute("aria-expanded", String(!detail.hidden));
  });
}
// Sorting: one tbody a trade, so that its details move with it.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = body => { const s = body.rows[0].cells[column].dataset.s, n = Number(s); return s !== "" && !Number.isNaN(n) ? n : s; };
    const order = (a, b) => { const x = key(a), y = key(b); return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1); };
    table.append(...[...table.tBodies].sort(order));
  }));
}
// The contents show where the reader is.
const links = new Map([...document.querySelectorAll("nav a")].map(a => [a.hash.slice(1), a]));
const watch = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting) {
    links.forEach(a => a.classList.remove("here"));
    links.get(entry.target.id)?.classList.add("here");
  }
}, {rootMargin: "0px 0px -75% 0px"});
document.querySelectorAll("section[id]").forEach(section => watch.observe(section));
