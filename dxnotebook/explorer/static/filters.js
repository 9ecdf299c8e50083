// @ts-check
// The filters that are set: a search, times, and a chip for each.

import { bdi, button, h, iso, note, Part, refill, time } from "./dom.js";
import { Facets } from "./facets.js";
import { changed, sideOf } from "./views.js";
/** @import { Facet, Value } from "./types" */

const TYPING = 120, LONGEST = 60;

export class FilterBar extends Part {
  #typing = 0;
  #search = h("input", {
    type: "search", placeholder: "id, name, key, message", "aria-label": "Search",
    oninput: () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.settle(), TYPING);
    },
  });
  #times = { since: this.#time("since", "From"), until: this.#time("until", "To") };
  #zone = h("select", { onchange: () => this.on.set({ zone: this.#zone.value }) });
  facets = new Facets(this.state, this.on);
  node = h("div", { class: "dxn-bar" },
    h("label", {}, "Search ", this.#search), ...this.facets.nodes,
    h("label", {}, "From ", this.#times.since), h("label", {}, "To ", this.#times.until),
    this.#zones());
  chips = h("div", { class: "dxn-chips", role: "group", "aria-label": "Filters" });

  /** @param {"since" | "until"} name @param {string} label */
  #time(name, label) {
    const onchange = () => {
      const at = new Date(this.state.zone === "UTC" ? `${input.value}Z` : input.value);
      this.on.filter({ [name]: input.value && !isNaN(+at) ? iso(at) : null });
    };
    const input = h("input", { type: "datetime-local", "aria-label": label, onchange });
    return input;
  }

  #zones() {
    const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const zones = [...new Set(["UTC", local, this.state.zone])];
    this.#zone.append(...zones.map((name) => h("option", {}, name)));
    return zones.length > 1 ? h("label", {}, "Times in ", this.#zone) : null;
  }

  /** Filter by what is typed, if it is not filtered by yet. */
  settle() {
    if (!this.#typing) return;
    clearTimeout(this.#typing);
    this.#typing = 0;
    this.on.filter({ text: this.#search.value });
  }

  draw() {
    const { filters, zone } = this.state, chips = this.#chips();
    if (![...this.#zone.options].some(({ value }) => value === zone)) {
      this.#zone.append(h("option", {}, zone));
    }
    this.#zone.value = zone;
    if (refill(this.chips, ...chips)) this.#search.focus();
    if (!this.#typing) this.#search.value = filters.text ?? "";
    for (const name of /** @type {const} */ (["since", "until"])) {
      const input = this.#times[name], at = filters[name];
      if (input.matches(":focus")) continue;
      input.value = at ? time(Date.parse(at), zone).replace(" ", "T").slice(0, 16) : "";
    }
  }

  #chips() {
    const { filters } = this.state;
    const chips = [false, true].flatMap((isOut) => {
      const { not, ...side } = sideOf(filters, isOut);
      return Object.entries(side).flatMap(([name, values]) =>
        [values].flat().map((one) => this.#chip(/** @type {Facet} */ (name), one, isOut)));
    });
    const onclick = () => {
      this.#search.value = "";
      this.on.set({ filters: {} });
    };
    return chips.length ? [...chips, button({ onclick }, "Clear all")] : [note("No filters")];
  }

  /**
   * What ends a filter, and what turns it round.
   * @param {Facet} name @param {Value} value @param {boolean} isOut
   */
  #chip(name, value, isOut) {
    const { filters } = this.state, side = sideOf(filters, isOut), other = sideOf(filters, !isOut);
    const isList = Array.isArray(side[name]), label = this.#label(name, value);
    const end = () =>
      isList ? this.on.toggle(name, value, false, isOut) : this.on.filter({ [name]: null }, isOut);
    const turn = () => {
      const { since, until } = side, isTime = ["since", "until"].includes(name);
      const moved = isList ? { [name]: [...(other[name] ?? []), value] }
        : isTime ? { since, until } : { [name]: value };
      const left = isList ? { [name]: side[name]?.filter((one) => one !== value) }
        : Object.fromEntries(Object.keys(moved).map((one) => [one, null]));
      this.on.set({ filters: changed(changed(filters, left, isOut), moved, !isOut) });
    };
    const isUnknown = this.state.unknown.includes(JSON.stringify([name, value]));
    const text = `${isOut ? "not " : ""}${label}${isUnknown ? " (no job has this)" : ""}`;
    const given = { class: "dxn-turn", "aria-label": `Exclude ${label}`, title: "Exclude" };
    return h("span", { class: "dxn-pair" },
      button({ ...given, "aria-pressed": `${isOut}`, onclick: turn }, "≠"),
      button({ class: "dxn-chip", "aria-label": `Clear ${text}`, onclick: end }, bdi(text), "\u00a0✕"));
  }

  /** @param {string} name @param {Value} value */
  #label(name, value) {
    const { about, names, zone } = this.state, text = value ?? "none";
    if (name === "text") return `text: ${text}`;
    if (name === "work") return `same work as ${text}`;
    if (name === "since") return `from ${time(Date.parse(text), zone, "short")}`;
    if (name === "until") return `to ${time(Date.parse(text), zone, "short")}`;
    const title = [...about.facets, ...about.groups].find(([facet]) => facet === name)?.[1];
    const label = (name === "data_set_id" && names[text]) || text || "none";
    return `${title ?? name}: ${label.length > LONGEST ? `${label.slice(0, LONGEST)}…` : label}`;
  }

  dispose() { clearTimeout(this.#typing); }
}
