// @ts-check
// Questions to the kernel, and its answers. One view is asked for at a time; what is wanted
// meanwhile is asked for once, in its last form, when the answer is there.

/** @import { Handlers, Message, Model, Questions } from "./types" */

/**
 * What a channel needs of the page.
 * @typedef {object} Page
 * @property {() => Omit<Questions["view"], "only_rows">} question  the view to ask for
 * @property {() => void} adopt  take the filters that were set in Python
 * @property {(isBusy: boolean) => void} wait
 * @property {(text: string, hasFailed: boolean) => void} say
 * @property {Handlers} answers
 */

const PATIENCE = 15_000, PAUSE = 30;
const GONE = "The kernel has gone. Run the cell again.";
const SILENT = "No answer from the kernel. It may be busy; if it was restarted, run the cell again.";

export class Channel {
  #model; #me; #page;
  #count = 0;
  /** @type {string | null} */ #waiting = null; // the id of the view that is under way
  /** @type {"all" | "rows" | null} */ #wanted = null; // the view to ask for next
  #isSent = false; // whether the view under way has a user's filters
  #patience = 0; #idle = 0;

  /** @type {Record<string, (...given: any[]) => void>} */
  #listeners = {
    "msg:custom": (message, bytes) => this.#receive(message, bytes),
    "change:filters": () => this.#page.adopt(),
    comm_live_update: () => this.#model.comm_live === false && this.#page.say(GONE, true),
  };

  isChanged = false; // whether a user changed the filters since a view was asked for

  /**
   * @param {Model} model @param {Page} page
   * @param {string} me  what ids begin with: other views of an explorer ask the same kernel
   */
  constructor(model, me, page) {
    this.#model = model;
    this.#me = me;
    this.#page = page;
    for (const [event, listener] of Object.entries(this.#listeners)) model.on(event, listener);
  }

  /** Whether a user changed the filters, and the kernel has not answered since. */
  get isUnsettled() { return this.isChanged || (this.#isSent && this.#waiting != null); }

  get isWanting() { return this.#wanted != null; }

  /** Ask for a view as soon as none is under way. */
  look({ onlyRows = false } = {}) {
    if (!onlyRows) this.#wanted = "all";
    else this.#wanted ??= "rows";
    this.#flush();
  }

  #flush() {
    if (this.#waiting != null || !this.#wanted) return;
    const only_rows = this.#wanted === "rows", { filters, ...rest } = this.#page.question();
    this.#wanted = null;
    this.#isSent = this.isChanged;
    this.isChanged = false;
    const question = { ...rest, filters: this.#isSent ? filters : null, only_rows };
    this.#waiting = this.ask("view", question);
  }

  /**
   * Ask for anything, at once.
   * @template {keyof Questions} Kind @param {Kind} kind @param {Questions[Kind]} content
   */
  ask(kind, content) {
    const id = `${this.#me}-${++this.#count}`;
    this.#page.wait(true);
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#page.say(SILENT, true), PATIENCE);
    try {
      this.#model.send({ kind, id, ...content });
    } catch {
      this.#page.say(GONE, true);
    }
    return id;
  }

  /** @param {Message} message @param {BlobPart[]} bytes */
  #receive(message, bytes) {
    if (message.kind === "changed") return this.look();
    if (message.kind === "error" && message.id == null) return this.#page.say(message.text, true);
    if (!String(message.id).startsWith(this.#me)) return;
    const isLate = message.id !== this.#waiting;
    if (!isLate) this.#waiting = null;
    if (this.#waiting == null) {
      clearTimeout(this.#patience);
      this.#page.wait(false);
    }
    /** @type {Record<string, (answer: any, bytes: BlobPart[]) => void>} */
    const answers = this.#page.answers;
    if (message.kind !== "view" || !isLate) answers[message.kind]?.(message, bytes);
    this.#flush();
  }

  /** Have what later answers need made between questions, a piece at a time. @param {boolean} more */
  prepare(more) {
    if (!more) return;
    clearTimeout(this.#idle);
    const isFree = () => this.#waiting == null && !this.#wanted;
    const go = () => (isFree() ? this.ask("prepare", {}) : this.prepare(true));
    this.#idle = setTimeout(go, PAUSE);
  }

  dispose() {
    [this.#patience, this.#idle].forEach(clearTimeout);
    for (const [event, listener] of Object.entries(this.#listeners)) this.#model.off(event, listener);
  }
}
