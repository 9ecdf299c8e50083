// @ts-check
// Values to filter by, with the number of jobs that the other filters leave of each: the menus of
// the facets, and the causes.

import { bdi, button, h, note, number, Part, plural, refill } from "./dom.js";
import { menu } from "./menus.js";
/** @import { Counts, Facet } from "./types" */

export class Facets extends Part {
  #menus = this.state.about.facets.map(([name, title]) => {
    const list = h("div", { role: "group", "aria-label": title });
    const oninput = () => this.on.set({ sought: { ...this.state.sought, [name]: search.value } });
    const given = { type: "search", "aria-label": `Find in ${title}`, hidden: true, oninput };
    const search = h("input", given);
    const { summary, node } = menu(title, {}, search, list);
    return { name, title, summary, node, list, search };
  });
  nodes = this.#menus.map(({ node }) => node);

  /** @param {{ [name in Facet]?: Counts }} counts */
  draw(counts) {
    for (const { name, title, summary, list, search } of this.#menus) {
      const { filters } = this.state;
      const chosen = [...(filters[name] ?? []), ...(filters.not?.[name] ?? [])];
      const counted = counts[name];
      if (counted?.more) search.hidden = false; // for as long as the explorer is there
      summary.textContent = chosen.length ? `${title} (${chosen.length})` : title;
      refill(list, ...(counted ? this.#values(name, counted) : ["…"]));
    }
  }

  /** @param {Facet} name @param {Counts} counts */
  #values(name, { values, more }) {
    const boxes = values.map(([value, label, count]) => {
      const isOut = this.state.filters.not?.[name]?.includes(value) ?? false;
      const onchange = () => this.on.toggle(name, value, box.checked && !isOut, isOut);
      const box = h("input", { type: "checkbox", "data-value": JSON.stringify(value), onchange });
      box.checked = this.state.filters[name]?.includes(value) ?? false;
      box.indeterminate = isOut;
      const jobs = h("span", { class: "dxn-note" }, ` ${number(count)}`);
      return h("label", { class: isOut && "dxn-out" }, box, " ", bdi(label), jobs);
    });
    return more ? [...boxes, note(`${number(more)} more: search for them above`)] : boxes;
  }
}

export class Causes extends Part {
  node = h("section", { class: "dxn-causes", "aria-label": "Causes of errors" });

  /** @param {Counts | undefined} counts  none before the causes are known */
  draw(counts) {
    const { values = [], more = 0 } = counts ?? {}, chosen = this.state.filters.cause ?? [];
    const most = Math.max(...values.map(([, , count]) => count), 1);
    const causes = values.map(([value, label, count]) => {
      const isChosen = chosen.includes(value);
      const given = {
        class: "dxn-cause", title: label, style: `--share: ${(100 * count) / most}%`,
        "data-value": JSON.stringify(value), "aria-pressed": `${isChosen}`,
        onclick: () => this.on.toggle("cause", value, !isChosen),
      };
      const text = bdi(value == null ? "(no message)" : label);
      return button(given, h("strong", {}, number(count)), " ", text);
    });
    const rest = button({ class: "dxn-link", onclick: () => this.on.set({ group: "cause" }) },
      `${number(more)} more ${plural(more, "cause")}`);
    const state = !counts ? "Looking for causes …" : causes.length ? "" : "No errors";
    refill(this.node, h("h3", {}, "Causes, by jobs"), ...causes, more ? rest : note(state));
  }
}
