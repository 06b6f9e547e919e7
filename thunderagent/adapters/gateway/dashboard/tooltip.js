// Numbers under the pointer, or under the keys' cursor: then a screen reader says them too.

const box = document.getElementById("tooltip");
const said = document.getElementById("said");
const EDGE_PX = 12;

// rows: [[name, value, colour name or null], ...]
export function show(title, rows, x, y, aloud = false) {
  const list = document.createElement("dl");
  for (const [name, value, key] of rows) {
    const term = document.createElement("dt");
    if (key) term.append(Object.assign(document.createElement("i"), { className: `key ${key}` }));
    term.append(name);
    list.append(term, Object.assign(document.createElement("dd"), { textContent: value }));
  }
  box.replaceChildren(Object.assign(document.createElement("strong"), { textContent: title }), list);
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const left = x + EDGE_PX + width > innerWidth ? Math.max(4, x - EDGE_PX - width) : x + EDGE_PX;
  const top = Math.max(4, Math.min(y + EDGE_PX, innerHeight - height - 4));
  box.style.transform = `translate(${left}px, ${top}px)`;
  if (aloud) said.textContent = `${title}: ${rows.map(([name, value]) => `${name} ${value}`).join(", ")}`;
}

export function hide() {
  box.hidden = true;
}

addEventListener("keydown", (event) => event.key === "Escape" && hide());
