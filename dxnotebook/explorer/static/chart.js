// @ts-check
// The chart of jobs by periods: bars, the failure rate, and two ways to select a time, by dragging
// over it and by two sliders.

import { clamp, counted, h, iso, number, Part, percent, s, time } from "./dom.js";
import { ZoomBar } from "./zoom.js";
/** @import { Trend } from "./types" */
/** @typedef {ReturnType<typeof laidOut>} Layout */

const TOP = 14, BOTTOM = 18, LABEL = 130, DOTTED = 6, DAY = 86_400_000, SLIDING = 120, TWICE = 300;

export class Chart extends Part {
  #svg = s("svg", {
    class: "dxn-chart", role: "img",
    onpointerdown: (/** @type {PointerEvent} */ event) => this.#press(event),
    onpointermove: (/** @type {PointerEvent} */ event) => this.#drag(event),
    onpointerup: () => this.#release(),
    onpointercancel: () => (this.#brush = null),
    ondblclick: () => this.#zoomIn(),
  });
  #shade = s("rect", { y: 0, class: "dxn-brush" });
  #readout = h("p", { class: "dxn-note", "aria-live": "off" }, "Drag over the chart to select a time.");
  #handles = ["First period", "Last period"].map((label, side) => h("input", {
    type: "range", min: 0, "aria-label": label, class: "dxn-handle",
    oninput: () => this.#slide(side),
  }));
  /** @type {Trend} */ #trend = {
    starts: [], end: 0, step: 0, succeeded: [], failed: [], lower: [], upper: [], incidents: [],
  };
  /** @type {number[] | null} */ #brush = null; // the periods that a drag began in and is at
  #sliding = 0; #waiting = 0; // until a slider rests; until a click is no double click
  #zoom = new ZoomBar(this.state, this.on);

  node = h("figure", {
    class: "dxn-figure", onkeydown: (/** @type {KeyboardEvent} */ event) => this.#zoom.press(event),
  }, h("figcaption", {}, legend()), this.#svg,
    h("div", { class: "dxn-handles" }, ...this.#handles), this.#readout, this.#zoom.node);

  /** When a period ends. @param {number} i */
  #endOf(i) { return this.#trend.starts[i + 1] ?? this.#trend.end; }

  /** @param {PointerEvent} event */
  #press(event) {
    if (!this.#trend.starts.length || event.button) return;
    this.#brush = [this.#periodOf(event), this.#periodOf(event)];
    this.#svg.setPointerCapture(event.pointerId);
    this.#drawBrush(this.#brush);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (!this.#trend.starts.length) return;
    const at = this.#periodOf(event);
    if (this.#brush) this.#drawBrush((this.#brush = [this.#brush[0], at]));
    this.#read(at);
  }

  /** Filter by the time of the periods that were dragged over; all of them filter nothing. */
  #release() {
    if (!this.#brush) return;
    const { starts } = this.#trend, [first, last] = inOrder(this.#brush), chosen = this.#chosen();
    const isAll = first === 0 && last === starts.length - 1 && !this.state.zoom;
    const since = iso(starts[first]), until = iso(this.#endOf(last));
    const choose = () => this.on.filter(isAll ? { since: null, until: null } : { since, until });
    this.#brush = null;
    clearTimeout(this.#waiting);
    const many = chosen[1] - chosen[0] + 1, isPart = many > 1 && many < starts.length;
    // a click on what is chosen may be the first of two, which draw it
    const isWithin = first === last && isPart && first >= chosen[0] && last <= chosen[1];
    if (isWithin) this.#waiting = setTimeout(choose, TWICE);
    else choose();
  }

  #zoomIn() {
    clearTimeout(this.#waiting);
    this.#zoom.zoom();
  }

  /** @param {PointerEvent} event */
  #periodOf(event) {
    const { left, width } = this.#svg.getBoundingClientRect();
    const share = (event.clientX - left) / width, n = this.#trend.starts.length;
    return clamp(Math.floor(share * n), n - 1);
  }

  /** Filter by where a slider was moved, which may push the other one. @param {number} side */
  #slide(side) {
    const { starts } = this.#trend, ends = this.#handles.map((handle) => +handle.value);
    if (!starts.length) return;
    const at = ends[side], isEnd = at === side * (starts.length - 1) && !this.state.zoom;
    const isPushed = ends[0] > ends[1];
    if (isPushed) ends.fill(at);
    this.#drawBrush(ends);
    this.#read(at);
    clearTimeout(this.#sliding);
    this.#sliding = setTimeout(() => {
      this.#sliding = 0;
      const since = iso(starts[at]), until = iso(this.#endOf(at));
      if (isPushed) this.on.filter({ since, until });
      else if (side) this.on.filter({ until: isEnd ? null : until });
      else this.on.filter({ since: isEnd ? null : since });
    }, SLIDING);
  }

  /** Say what a period has. @param {number} i */
  #read(i) {
    const { starts, step, succeeded, failed, lower, upper, incidents } = this.#trend, { zone } = this.state;
    const finished = succeeded[i] + failed[i], rate = percent(finished ? failed[i] / finished : null);
    const jobs = `${number(finished)} finished, ${number(failed[i])} failed (${rate})`;
    const usual = lower[i] == null ? "" : `, usual is up to ${percent(upper[i])}`;
    const incident = incidents.find(([since, until]) => since <= starts[i] && starts[i] < until);
    const [since, , bad, n] = incident ?? [0, 0, 0, 0];
    const more = incident ? `; an incident since ${time(since, zone, null)}: ${number(bad)} of ${number(n)} failed` : "";
    this.#readout.textContent = `${startText(starts[i], step, zone)} ${zone}: ${jobs}${usual}${more}`;
  }

  /** @param {Trend} trend @param {number} now */
  draw(trend, now) {
    this.#trend = trend;
    this.#zoom.draw(now);
    if (trend.starts.length) return this.redraw();
    const middle = { x: "50%", y: "50%", "text-anchor": "middle" };
    this.#svg.replaceChildren(s("text", middle, "no jobs"));
  }

  redraw() {
    const { starts } = this.#trend, { me, zone } = this.state, id = `dxn-hatch-${me}`;
    if (!starts.length) return;
    const layout = laidOut(this.#trend, this.#svg);
    this.#svg.replaceChildren(hatch(id), ...troubles(layout), ...bars(layout, `url(#${id})`),
      ...usual(layout), ...rates(layout), ...labels(layout, zone), this.#shade);
    this.#shade.setAttribute("height", `${layout.base}`);
    const periods = `${counted(starts.length, "period")}, from ${time(starts[0], zone, "short")}`;
    const label = `Finished jobs of ${periods} ${zone}; the two sliders below select a time`;
    this.#svg.setAttribute("aria-label", label);
    if (!this.#brush && !this.#sliding) this.#drawBrush(this.#chosen());
  }

  /** The first and the last of the chosen periods. */
  #chosen() {
    const { starts, end } = this.#trend, { since, until } = this.state.filters;
    const first = since ? Date.parse(since) : starts[0], last = until ? Date.parse(until) : end;
    const places = [first, last - 1].map((at) => starts.filter((start) => start <= at).length - 1);
    return places.map((place) => clamp(place, starts.length - 1));
  }

  /** @param {number[]} brush */
  #drawBrush(brush) {
    const { starts } = this.#trend, { zone } = this.state, n = starts.length;
    const [first, last] = inOrder(brush);
    const { bar } = laidOut(this.#trend, this.#svg), isAll = first === 0 && last === n - 1;
    this.#shade.setAttribute("x", `${first * bar}`);
    this.#shade.setAttribute("width", `${isAll ? 0 : (last - first + 1) * bar}`);
    [first, last].forEach((place, side) => {
      const handle = this.#handles[side], at = side ? this.#endOf(place) : starts[place];
      handle.max = `${n - 1}`;
      handle.value = `${place}`;
      handle.setAttribute("aria-valuetext", `${side ? "until" : "from"} ${time(at, zone, "short")} ${zone}`);
    });
  }

  dispose() { [this.#sliding, this.#waiting].forEach(clearTimeout); }
}

/** @param {number[]} places */
const inOrder = (places) => [...places].sort((a, b) => a - b);
/** When a period starts; one of days needs no time. @param {number} start @param {number} step @param {string} zone */
const startText = (start, step, zone) => time(start, zone, step < DAY ? "short" : null);

const legend = () => h("p", { class: "dxn-legend" },
  h("span", { class: "dxn-ok" }, "▇ succeeded"), h("span", { class: "dxn-bad" }, "▨ failed"),
  h("span", { class: "dxn-line" }, "●─ failure rate"),
  h("span", { class: "dxn-band" }, "▒ usual"), h("span", { class: "dxn-trouble" }, "░ incident"));

/** Where things are, in pixels. @param {Trend} trend @param {Element} svg */
function laidOut(trend, svg) {
  const { starts, succeeded, failed } = trend;
  const width = svg.clientWidth || 600, height = svg.clientHeight || 150, base = height - BOTTOM;
  const most = Math.max(...starts.map((_, i) => succeeded[i] + failed[i]), 1);
  const y = (/** @type {number} */ share) => TOP + (base - TOP) * (1 - share);
  return { ...trend, width, height, base, bar: width / starts.length, most, y };
}

/** @param {string} id */
function hatch(id) {
  const size = { width: 4, height: 4 }, ground = s("rect", { ...size, class: "dxn-bad-fill" });
  const turned = { patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  const line = s("rect", { ...size, width: 1, class: "dxn-hatch" });
  return s("pattern", { id, ...size, ...turned }, ground, line);
}

/** @param {Layout} layout @param {string} fill  that of failures */
function bars({ starts, succeeded, failed, base, bar, most, y }, fill) {
  const width = Math.max(bar - 1, 0.5);
  return starts.flatMap((_, i) => {
    const x = i * bar, middle = y(failed[i] / most), top = y((succeeded[i] + failed[i]) / most);
    const bad = s("rect", { x, y: middle, width, height: base - middle, fill });
    const ok = s("rect", { x, y: top, width, height: middle - top, class: "dxn-ok-fill" });
    return [...(failed[i] ? [bad] : []), ...(succeeded[i] ? [ok] : [])];
  });
}

/** Times in which more failed than is usual. @param {Layout} layout */
function troubles({ incidents, starts, end, bar, base }) {
  const placeOf = (/** @type {number} */ at) => {
    const i = starts.filter((start) => start <= at).length - 1, from = starts[i];
    return i < 0 ? 0 : (i + Math.min((at - from) / ((starts[i + 1] ?? end) - from), 1)) * bar;
  };
  return incidents.flatMap(([since, until]) => {
    const x = placeOf(since), width = placeOf(until) - x;
    return width > 0 ? [s("rect", { x, y: 0, width, height: base, class: "dxn-incident" })] : [];
  });
}

/** Between which rates is usual. @param {Layout} layout */
function usual({ lower, upper, bar, y }) {
  return upper.flatMap((high, i) => high == null ? [] : [s("rect", {
    x: i * bar, y: y(high), width: bar, height: Math.max(y(lower[i] ?? 0) - y(high), 1), class: "dxn-usual",
  })]);
}

/** That of jobs which are chosen by their fate is none. @param {Layout} layout */
function rates({ starts, succeeded, failed, upper, bar, y }) {
  const points = starts.flatMap((_, i) => {
    const finished = succeeded[i] + failed[i];
    return upper[i] != null ? [[i * bar + bar / 2, y(failed[i] / finished)]] : [];
  });
  const dots = points.map(([cx, cy]) => s("circle", { cx, cy, r: 2, class: "dxn-dot" }));
  const line = s("polyline", { points: points.join(" "), class: "dxn-rate" });
  return bar > DOTTED ? [line, ...dots] : [line];
}

/** @param {Layout} layout @param {string} zone */
function labels({ starts, step, width, height, base, bar, most, upper }, zone) {
  const marks = Math.max(Math.floor(width / LABEL), 1), isRate = upper.some((share) => share != null);
  return [
    s("line", { x1: 0, x2: width, y1: base, y2: base, class: "dxn-axis" }),
    s("text", { x: 2, y: 10 }, counted(most, "job")),
    ...(isRate ? [s("text", { x: width - 2, y: 10, "text-anchor": "end" }, "100 % failed")] : []),
    ...Array.from({ length: marks }, (_, mark) => {
      const i = Math.floor((mark * starts.length) / marks);
      return s("text", { x: i * bar, y: height - 4 }, startText(starts[i], step, zone));
    }),
  ];
}
