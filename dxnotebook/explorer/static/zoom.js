// @ts-check
// What time the chart is of: the chosen one in finer periods, the latest, or all.

import { button, iso, h, Part } from "./dom.js";
import { areSame, changed } from "./views.js";

const HOUR = 3_600_000;
/** @type {[string, number][]} */
const LATEST = [["24 h", 24 * HOUR], ["7 d", 168 * HOUR], ["30 d", 720 * HOUR]];

export class ZoomBar extends Part {
  #now = 0; // when the jobs were as they are shown
  #in = button({ onclick: () => this.zoom(), title: "Key Z, or a double click" }, "Zoom");
  #out = button({ onclick: () => this.widen(), title: "Key Shift+Z" }, "Zoom out");
  node = h("div", { class: "dxn-bar", role: "group", "aria-label": "Time of the chart" },
    this.#in, this.#out,
    ...LATEST.map(([name, length]) => button({ onclick: () => this.#choose(length) }, name)),
    button({ onclick: () => this.#choose(null) }, "All"));

  /** Draw the time that is chosen. */
  zoom() {
    const { since = null, until = null } = this.state.filters;
    if (since || until) this.on.set({ zoom: [since, until] });
  }

  /** Draw all time again; what is chosen stays so. */
  widen() { this.on.set({ zoom: null }); }

  /** Choose the latest jobs, or all, and draw their time. @param {number | null} length */
  #choose(length) {
    const since = length ? iso(this.#now - length) : null, change = { since, until: null };
    const filters = changed(this.state.filters, change, false);
    this.on.set({ filters, zoom: since ? [since, null] : null });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.key.toLowerCase() !== "z" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey) this.widen();
    else this.zoom();
    event.stopPropagation();
  }

  /** @param {number} now */
  draw(now) {
    const { filters, zoom } = this.state;
    this.#now = now;
    const { since = null, until = null } = filters, isIn = areSame(zoom, [since, until]);
    this.#in.setAttribute("aria-disabled", `${isIn || !(since || until)}`);
    this.#out.setAttribute("aria-disabled", `${!zoom}`);
  }
}
