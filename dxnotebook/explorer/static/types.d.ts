// What the page and the kernel say to each other (widget.py is the kernel's side), and what the
// parts of the page share.

/** The name of a filter that lists values. */
export type Facet = "state" | "type" | "data_set_id" | "account_id" | "region" | "code" | "cause"
  | "outcome" | "revision_id";

/** A value of a facet; null is that of jobs without one. */
export type Value = string | null;

/** What is shown; times are texts in ISO format. */
export type Filters = { [name in Facet]?: Value[] } & {
  text?: string;
  since?: string;
  until?: string;
  /** A job, whose work those that are shown are to do, too. */
  work?: string;
  /** What is left out. */
  not?: Filters;
};

/** What is shown and how, as the kernel keeps it. */
export interface View {
  filters: Filters;
  sort: [column: string, isDescending: boolean];
  columns: string[];
  /** Pixels, of the columns that a user made wider or narrower. */
  widths: Record<string, number>;
  zone: string;
  group: string | null;
  group_sort: [column: GroupColumn, isDescending: boolean];
  /** From when to when the chart is; null is that of all jobs, or of the first or last one. */
  zoom: [since: string | null, until: string | null] | null;
  /** The job whose details are shown, by its id. */
  job: string | null;
}

/** Filters to set; null or an empty list ends one. */
export type Change = { [name in keyof Filters]?: Filters[name] | null };

export type Kind = "text" | "time" | "duration";

/**
 * The id of a job, whether it is ticked, and its cells: times in milliseconds since 1970, durations
 * in seconds, texts, or null.
 */
export type Row = [id: string, isTicked: boolean, ...cells: any[]];

/** What the page has to know of the tables once. */
export interface About {
  columns: [name: string, title: string, kind: Kind][];
  shown: string[];
  facets: [name: Facet, title: string][];
  /** What jobs can be grouped by. */
  groups: [name: string, title: string][];
  formats: string[];
  read_only: boolean;
  /** Whether there is something to read anew from. */
  live: boolean;
  /** What tells the explorer from others of the page, the same when its cell runs again. */
  key: string;
}

/** Values with the number of their jobs, and how many more values there are. */
export interface Counts {
  values: [value: Value, label: string, count: number][];
  more: number;
}

export interface Summary {
  jobs: number;
  all: number;
  open: number;
  finished: number;
  failed: number;
  rate: number | null;
  low: number | null;
  high: number | null;
  median: number | null;
  /** What came of them, once it is known. */
  undone?: number;
  stuck?: number;
}

/** Jobs by periods; times in milliseconds since 1970. */
export interface Trend {
  starts: number[];
  end: number;
  step: number;
  succeeded: number[];
  failed: number[];
  /** Between which rates is usual; null without jobs, and where jobs are chosen by their fate. */
  lower: (number | null)[];
  upper: (number | null)[];
  incidents: [since: number, until: number, failed: number, finished: number][];
}

export type GroupColumn = "label" | "n" | "failed" | "rate" | "undone" | "median" | "p95" | "last";

/** How the jobs fare that have something in common. */
export interface Group {
  label: string;
  values: Value[];
  n: number;
  failed: number;
  rate: number | null;
  low: number | null;
  high: number | null;
  undone: number;
  median: number | null;
  p95: number | null;
  last: number | null;
  /** By the periods of the chart. */
  strip: [succeeded: number, failed: number][];
}

/** Groups, by the names of what they have in common, and how many more there are. */
export interface Groups {
  names: string[];
  rows: Group[];
  more: number;
}

/** What two groups are like, the difference, and its interval: shares, seconds or jobs; or not yet. */
export interface Comparison {
  rows: [
    measure: string, cause: Value, one: number | null, other: number | null,
    difference: number | null, low: number | null, high: number | null, change: Value,
  ][] | null;
}

export interface Cells {
  columns: string[];
  rows: string[][];
  in_all: number;
}

/** How jobs are exported. */
export interface Export {
  format: string;
  /** The only table, if it is to be one file. */
  table: string;
  download: boolean;
  ticked: boolean;
}

/** What the page asks for, by kind; the view is null unless a user changed it. */
export interface Questions {
  view: {
    view: View | null;
    sought: State["sought"];
    first: number;
    count: number;
    only_rows: boolean;
  };
  prepare: {};
  tick: { job: string | null; on: boolean; view: View | null };
  seen: { jobs: string[] };
  refresh: { start: boolean };
  detail: { job: string };
  export: Export & { view: View | null };
  compare: { sides: Change[]; view: View | null };
}

interface Rows {
  total: number;
  first: number;
  rows: Row[];
  view: View;
  /** Of these jobs those that are new or have changed, and were not seen since. */
  unseen: string[];
  /** What of the view is not so anyway, and the line of Python that makes it. */
  brief: Partial<View>;
  python: string;
}

/** Rows, and what all controls show. */
export interface Whole extends Rows {
  summary: Summary;
  trend: Trend;
  /** When the jobs were as they are shown, in milliseconds since 1970. */
  now: number;
  groups?: Groups;
  counts: { [name in Facet]?: Counts };
  ticked: number;
  more: boolean;
  /** What is filtered by though no job has it. */
  unknown: [name: string, value: Value][];
}

export type Answer = Whole | (Rows & { summary?: undefined });

/** What came of reading anew: how many jobs, as of when (milliseconds since 1970). */
export interface News {
  reading: boolean;
  at: number | null;
  new: number;
  changed: number;
  problem: string | null;
}

export interface Job {
  job_id: string;
  job: [name: string, value: string][];
  errors: Cells;
  details: Cells;
  runs: [id: string, isTicked: boolean, state: Value, at: number, took: number, code: Value][];
  runs_in_all: number;
  /** What came of it, by which job, after how many seconds. */
  outcome: {
    name: "undone" | "recovered" | "stuck" | "running" | null;
    by: string | null;
    took: number | null;
  };
  arn: string;
  command: string;
}

/** What the kernel answers, by kind; "changed" answers nothing, and an error may. */
export interface Answers {
  view: Answer;
  prepare: { more: boolean; causes: boolean };
  tick: { ticked: number };
  seen: { jobs: string[] };
  refresh: News;
  detail: Job;
  export: { text: string; name?: string };
  compare: Comparison;
  error: { text: string };
  changed: {};
}

export type Message = {
  [kind in keyof Answers]: { kind: kind; id?: string | null } & Answers[kind];
}[keyof Answers];

export type Handlers = {
  [kind in Exclude<keyof Answers, "changed">]: (answer: Answers[kind], bytes: BlobPart[]) => void;
};

/** What a channel to the kernel needs of the page. */
export interface Page {
  answers: Handlers;
  /** The view to ask for. */
  question(): Omit<Questions["view"], "only_rows">;
  /** Take the view that was set in Python, unless a user has changed it since. */
  adopt(): void;
  wait(isBusy: boolean): unknown;
  say(text: string, hasFailed?: boolean): void;
}

/** anywidget's model. */
export interface Model {
  comm_live?: boolean;
  get(name: "_about"): About;
  get(name: "view"): View;
  set(name: "_touched", value: number): void;
  save_changes(): void;
  on(event: string, listener: (...given: any[]) => void): void;
  off(event: string, listener: (...given: any[]) => void): void;
  send(content: object): void;
}

type Child = Node | string | null;
export type MakeElement = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, given: Record<string, any>, ...children: Child[]
) => HTMLElementTagNameMap[Tag];
export type MakeDrawing = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag, given: Record<string, any>, ...children: Child[]
) => SVGElementTagNameMap[Tag];

/** What the page shows. Only the entry changes it. */
export interface State extends View {
  /** What ids of this view begin with: there may be others in the page. */
  readonly me: string;
  readonly about: About;
  /** The line of the table that keys act on. */
  active: number;
  /** Whether it is to be opened as soon as its row is there. */
  opening: boolean;
  /** What the rows depend on, of the last question and of those at hand. */
  asked: string | null;
  answered: string | null;
  /** What is searched for among the values of a facet. */
  sought: Record<string, string>;
  /** What is filtered by though no job has it: pairs of names and values, as JSON. */
  unknown: string[];
  /** The names of data sets, by id. */
  names: Record<string, string>;
}

/** What a user can want, and the entry does. */
export interface Actions {
  set(change: Partial<State>): void;
  /** Change what is shown, or what is left out. */
  filter(change: Change, isOut?: boolean): void;
  toggle(name: Facet, value: Value, isOn: boolean, isOut?: boolean): void;
  /** Have the rows that are in sight. */
  look(): void;
  open(job: string, hasFocus: boolean): void;
  close(): void;
  /** Tick or untick a job, or all that are shown. */
  tick(job: string | null, isTicked: boolean): void;
  save(how: Export): void;
  /** Read anew, or ask what came of it. */
  refresh(start: boolean): void;
  /** Take note that jobs were seen. */
  see(jobs: string[]): void;
  /** Compare the jobs that two filters leave. */
  compare(sides: Change[]): void;
}
