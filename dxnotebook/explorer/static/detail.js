// @ts-check
// A job: its errors, its details, other runs of the same work, and texts to copy.

import { bdi, button, counted, duration, h, mark, note, number, Part, time } from "./dom.js";
/** @import { Cells, Job } from "./types" */

export class Detail extends Part {
  #hasFocus = false; // whether the focus goes to the job that is asked for
  /** @type {Job | null} */ #job = null;
  node = h("section", { class: "dxn-detail", "aria-label": "Job", tabindex: -1, hidden: true });

  /** Show that a job is asked for. @param {boolean} hasFocus */
  wait(hasFocus) {
    this.#hasFocus = hasFocus;
    this.#job = null;
    this.draw();
  }

  /** Whether a job is asked for that is not here yet. */
  get isWaiting() { return this.state.job != null && !this.#job; }

  /** @param {Job} job */
  show(job) {
    const isOther = this.isWaiting;
    this.#job = job;
    this.draw();
    if (this.#hasFocus) this.node.focus();
    this.#hasFocus = false;
    const top = this.node.querySelector(".dxn-grid") ?? this.node;
    if (isOther) top.scrollIntoView({ block: "nearest" });
  }

  draw() {
    const job = this.#job;
    this.node.hidden = this.state.job == null;
    if (this.node.hidden) return;
    if (!job) return this.node.replaceChildren(note("…"));
    const { runs, runs_in_all: all } = job, part = all > runs.length && `, ${runs.length} of them`;
    const close = button({ onclick: () => this.on.close() }, "Close");
    this.node.replaceChildren(
      h("div", { class: "dxn-bar" }, heading(job), close), ...this.#outcome(job.outcome),
      ...grid("Errors", job.errors), ...grid("Details", job.details),
      h("h4", {}, `Runs of the same work: ${number(all)}${part || ""} `,
        button({ class: "dxn-link", onclick: () => this.on.set({ filters: { work: job.job_id } }) }, "show these only")),
      h("ul", { class: "dxn-runs" }, ...runs.map((run) => this.#run(run, run[0] === job.job_id))),
      copied("ARN", job.arn), copied("Command", job.command),
      ...grid("All fields", { columns: ["Field", "Value"], rows: job.job, in_all: job.job.length }),
    );
  }

  /** Whether a failure is fixed, by what, after how long. @param {Job["outcome"]} outcome */
  #outcome({ name, by, took }) {
    const texts = {
      undone: `Not fixed: no job has done this work in the ${duration(took)} since`,
      recovered: `Fixed after ${duration(took)}, by `,
      stuck: `Stuck: open for ${duration(took)}, longer than jobs of this type take`,
      running: `Open for ${duration(took)}`,
    };
    if (!name) return [];
    const link = by && button({ class: "dxn-link", onclick: () => this.on.open(by, true) }, bdi(by));
    return [h("p", { class: `dxn-outcome dxn-is-${name}` }, texts[name], link)];
  }

  /** @param {Job["runs"][number]} run @param {boolean} disabled  as it is the one that is shown */
  #run([id, , state, created, took, code], disabled) {
    const at = time(created, this.state.zone), facts = [state ?? "–", at, duration(took)];
    const label = `${mark(state)} ${(code ? [...facts, code] : facts).join(", ")}`;
    const onclick = () => this.on.open(id, true);
    return h("li", {}, button({ disabled, onclick }, disabled ? `${label} (this one)` : label));
  }
}

/** @param {Job} job */
function heading({ job }) {
  const { state, type, data_set_id, data_set_name = data_set_id } = Object.fromEntries(job);
  return h("h3", {}, `${mark(state)} `, bdi(state), " · ", bdi(type), " · ", bdi(data_set_name));
}

/** A table with its title; nothing where it is empty. @param {string} title @param {Cells} cells */
function grid(title, { columns, rows, in_all: all }) {
  if (!rows.length) return [];
  const head = h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)));
  const body = rows.map((row) => h("tr", {}, ...row.map((value) => h("td", {}, bdi(value)))));
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...body));
  const given = { class: "dxn-grid", tabindex: 0, role: "group", "aria-label": title };
  const left = all - rows.length, more = `${counted(left, "more row")}: explorer.selection has all`;
  return [h("h4", {}, title), h("div", given, table), ...(left > 0 ? [note(more)] : [])];
}

/** A text with a button that copies it. @param {string} label @param {string} text */
export function copied(label, text) {
  const input = h("input", { readonly: true, value: text, onfocus: () => input.select() });
  const onclick = async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      input.focus(); // selected, for the keyboard to copy
      copy.textContent = "Press Ctrl+C";
    }
  };
  const copy = button({ "aria-label": `Copy ${label}`, onclick }, "Copy");
  return h("div", { class: "dxn-copy" }, h("label", {}, `${label} `, input), copy);
}
