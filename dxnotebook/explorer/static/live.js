// @ts-check
// Jobs that are read anew, when a user wants it or every so often. The clock is here, so that
// nothing is read for a page that is gone.

import { POLL } from "./channel.js";
import { button, h, Part, time } from "./dom.js";
/** @import { News } from "./types" */

const SLOWEST = 600_000, DAY_MS = 86_400_000;
const PERIODS = { off: 0, "30 s": 30_000, "1 min": 60_000, "5 min": 300_000 };

export class Live extends Part {
  #timer = 0; #failed = 0; // how often in a row
  #now = button({ onclick: () => this.#ask(true) }, "Refresh");
  #every = h("select", { "aria-label": "Refresh every", onchange: () => this.#plan() },
    ...Object.entries(PERIODS).map(([label, value]) => h("option", { value }, label)));
  #told = h("span", { role: "status" });
  node = h("div", { class: "dxn-bar", hidden: !this.state.about.live },
    this.#now, h("label", {}, "every ", this.#every), this.#told);

  /** @param {boolean} start */
  #ask(start) {
    clearTimeout(this.#timer);
    this.#now.disabled = true;
    this.on.refresh(start);
  }

  /** What is known already. */
  begin() { if (this.state.about.live) this.#ask(false); }

  /** @param {News} news */
  take({ reading, at, new: fresh, changed, problem }) {
    if (reading) return void (this.#timer = setTimeout(() => this.#ask(false), POLL));
    this.#now.disabled = false;
    this.#failed = problem ? this.#failed + 1 : 0;
    const wait = this.#plan();
    const again = wait ? `trying again in ${wait / 1000} s` : "keeping what is here";
    const isToday = at != null && Math.abs(Date.now() - at) < DAY_MS;
    const when = time(at, this.state.zone).slice(isToday ? 11 : 0);
    const news = at == null ? "" : `as of ${when}, ${fresh} new, ${changed} changed`;
    this.#told.textContent = problem ? `${news} – not refreshed, ${again}: ${problem}` : news;
    this.#told.classList.toggle("dxn-failed", problem != null);
  }

  /** Ask again when it is time, later where that failed; returns after how many milliseconds. */
  #plan() {
    clearTimeout(this.#timer);
    const wait = Math.min(+this.#every.value * 2 ** this.#failed, SLOWEST);
    if (wait && !this.#now.disabled) this.#timer = setTimeout(() => this.#ask(true), wait);
    return wait;
  }

  dispose() { clearTimeout(this.#timer); }
}
