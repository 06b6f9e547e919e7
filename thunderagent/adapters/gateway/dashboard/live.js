// GET /live as it comes: server-sent events over fetch, because EventSource cannot send a key. It connects again by itself.

const FIRST_RETRY_S = 0.5;
const LAST_RETRY_S = 10; // a gateway that comes back is seen soon, one that stays away is hardly asked
const SILENCE_S = 5; // beyond the interval: then the connection is dead, though nobody has closed it
const KEY = "thunderagent-key";

export class Live {
  // told: { snapshot(object), connection(state, words, since), key(words) }
  constructor(query, interval_s, told) {
    this.url = `live?${query}`;
    this.silence_ms = 1000 * (interval_s + SILENCE_S);
    this.told = told;
    this.lost_at = null;
  }

  async run() {
    let retry_s = FIRST_RETRY_S;
    for (;;) {
      try {
        await this.#connection(() => {
          retry_s = FIRST_RETRY_S;
          this.lost_at = null;
        });
      } catch (error) {
        if (error instanceof KeyNeeded) {
          this.told.connection("locked", "a key is needed");
          await this.#key(error.message);
          continue;
        }
        this.lost_at ??= Date.now() / 1000;
        if (error instanceof Refusal) this.told.connection("refused", error.message);
        else this.told.connection("gone", "", this.lost_at);
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 * retry_s));
      retry_s = Math.min(LAST_RETRY_S, 2 * retry_s);
    }
  }

  async #connection(works) {
    const abort = new AbortController();
    let watchdog = setTimeout(() => abort.abort(), this.silence_ms);
    try {
      const key = sessionStorage.getItem(KEY);
      const headers = { accept: "text/event-stream", ...(key && { authorization: `Bearer ${key}` }) };
      const answer = await fetch(this.url, { headers, cache: "no-store", signal: abort.signal });
      if (answer.status === 401 || answer.status === 403) throw new KeyNeeded(await reason(answer), key);
      if (!answer.ok) throw new Refusal(await reason(answer));
      for await (const event of events(answer.body)) {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => abort.abort(), this.silence_ms);
        works();
        this.told.snapshot(JSON.parse(event));
      }
      throw new Error("the stream has ended");
    } finally {
      clearTimeout(watchdog);
      abort.abort();
    }
  }

  async #key(why) {
    const wrong = sessionStorage.getItem(KEY) !== null;
    sessionStorage.setItem(KEY, await this.told.key(wrong ? `That key was not taken: ${why}` : `The gateway says: ${why}`));
  }
}

class KeyNeeded extends Error {}
class Refusal extends Error {}

async function reason(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `status ${answer.status}`;
  }
}

// The data of each event; comments keep the connection alive and are nothing more.
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value.replaceAll("\r", "")).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length) yield data.map((line) => line.slice(5).trimStart()).join("\n");
    }
  }
}
