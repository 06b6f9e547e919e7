// What was seen of the gateway: samples of totals and engines, and for each program the spans of time that it spent in each state.

export const KEPT_S = 900; // the longest window that is shown
const MOST_PROGRAMS = 5000; // whoever left first is forgotten first
const GAP_S = 3; // beyond the usual time between two snapshots: nothing is known of the time between

export class History {
  constructor() {
    this.samples = []; // { at, totals }
    this.engines = new Map(); // id -> { id, latest, samples: [{ at, running, tool, capacity, hit, usage, after_gap }] }
    this.programs = new Map(); // id -> { id, first, latest, here, spans: [{ kind, from, to, tool, tokens, engine }] }
    this.waits = []; // { at, waited_s } of those that are over
    this.latest = null;
    this.broken = true;
  }

  // The connection was lost: what comes next does not continue what was before.
  cut() {
    this.broken = true;
  }

  put(snapshot) {
    const { at } = snapshot;
    const before = this.latest?.at ?? at;
    const after_gap = this.broken || at - before > GAP_S + 3 * (this.step_s ?? 1) || at < before;
    if (at < before) this.#forget(); // another machine's clock, or one that was set: the old times mean nothing
    if (!after_gap) this.step_s = at - before;
    this.samples.push({ at, totals: snapshot.totals, after_gap });
    for (const engine of snapshot.engines) this.#engine(engine, at, after_gap);
    const here = new Set();
    for (const program of snapshot.programs) {
      here.add(program.id);
      this.#program(program, at, before, after_gap);
    }
    for (const [id, known] of this.programs) {
      if (known.here && !here.has(id)) this.#left(known, before);
    }
    for (const id of this.engines.keys()) {
      if (!snapshot.engines.some((engine) => engine.id === id)) this.engines.delete(id);
    }
    this.latest = snapshot;
    this.broken = false;
    this.#drop(at - KEPT_S);
  }

  // Growth of a total per second, over the last `over_s`.
  rate(name, over_s) {
    const [first, last] = this.#ends(over_s);
    return first && last.at > first.at ? Math.max(0, last.totals[name] - first.totals[name]) / (last.at - first.at) : 0;
  }

  growth(name, over_s) {
    const [first, last] = this.#ends(over_s);
    return first ? Math.max(0, last.totals[name] - first.totals[name]) : 0;
  }

  #ends(over_s) {
    const last = this.samples.at(-1);
    if (!last) return [];
    return [this.samples[firstAfter(this.samples, last.at - over_s)], last];
  }

  #engine(engine, at, after_gap) {
    let known = this.engines.get(engine.id);
    if (!known) this.engines.set(engine.id, (known = { id: engine.id, samples: [] }));
    known.latest = engine;
    const tool = Math.min(engine.acting_tokens, engine.committed_tokens);
    known.samples.push({
      at, after_gap, tool,
      running: engine.committed_tokens - tool,
      capacity: engine.capacity_tokens,
      hit: engine.kv_hit_rate,
      usage: engine.usage,
    });
  }

  #program(program, at, before, after_gap) {
    let known = this.programs.get(program.id);
    if (!known) this.programs.set(program.id, (known = { id: program.id, first: at - (program.since_s ?? 0), spans: [] }));
    const kind = kindOf(program);
    const last = known.spans.at(-1);
    const continues = known.here && !after_gap;
    if (continues && last.kind === kind && last.tool === program.tool) {
      last.to = at;
    } else {
      // It tells when it began, so that what lies between two snapshots is drawn as it was; never over what was drawn.
      const from = Math.max(at - (program.since_s ?? 0), continues ? before : last ? last.to : -Infinity);
      if (continues) {
        last.to = from;
        if (last.kind === "parked") this.waits.push({ at, waited_s: Math.max(0, from - last.from) });
      }
      known.spans.push({ kind, from, to: at, tool: program.tool, engine: program.backend });
    }
    known.spans.at(-1).tokens = program.tokens;
    known.spans.at(-1).engine = program.backend;
    known.latest = program;
    known.here = true;
  }

  #left(known, before) {
    known.here = false;
    const last = known.spans.at(-1);
    if (last.kind === "parked") this.waits.push({ at: before, waited_s: last.to - last.from });
  }

  #forget() {
    this.samples = [];
    this.waits = [];
    this.engines.clear();
    this.programs.clear();
  }

  #drop(until) {
    dropBefore(this.samples, until);
    dropBefore(this.waits, until);
    for (const { samples } of this.engines.values()) dropBefore(samples, until);
    for (const [id, known] of this.programs) {
      let gone = 0;
      while (gone < known.spans.length - 1 && known.spans[gone].to < until) gone++;
      if (gone > 50) known.spans.splice(0, gone);
      if (!known.here && (known.spans.at(-1).to < until || this.programs.size > MOST_PROGRAMS)) this.programs.delete(id);
    }
  }
}

export function kindOf(program) {
  if (program.state !== "active") return program.state;
  if (program.status === "acting") return "tool";
  return program.decoding === false ? "prefill" : "decode";
}

// Index of the first that is not older; they are in order.
export function firstAfter(samples, at) {
  let low = 0;
  let high = samples.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (samples[middle].at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function dropBefore(samples, until) {
  const old = firstAfter(samples, until);
  if (old > 100) samples.splice(0, old); // seldom, many at once
}
