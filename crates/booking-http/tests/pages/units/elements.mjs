/** As much of an element as the modules of the pages need that are tried without a browser. */
export class FakeElement extends EventTarget {
  attributes = new Map();
  children = [];
  parent = null;
  dataset = {};
  textContent = "Save";
  value = "";
  isConnected = true;
  focused = 0;

  classes = new Set();
  classList = {
    add: (name) => void this.classes.add(name),
    toggle: (name, isOn = !this.classes.has(name)) => {
      this.classes[isOn ? "add" : "delete"](name);
      return isOn;
    },
  };

  constructor(tag = "div") {
    super();
    this.tag = tag;
  }
  setAttribute = (name, value) => void this.attributes.set(name, value);
  removeAttribute = (name) => void this.attributes.delete(name);
  hasAttribute = (name) => this.attributes.has(name);
  get hidden() {
    return this.hasAttribute("hidden");
  }
  set hidden(isHidden) {
    if (isHidden) this.setAttribute("hidden", "");
    else this.removeAttribute("hidden");
  }
  focus() {
    this.focused += 1;
  }
  scrollIntoView() {}
  click() {
    this.dispatchEvent(new Event("click"));
  }
  append(...nodes) {
    for (const node of nodes) {
      if (typeof node === "string") this.textContent += node;
      if (!(node instanceof FakeElement)) continue;
      node.parent = this;
      this.children.push(node);
    }
  }
  insertBefore(node, next) {
    node.remove();
    node.parent = this;
    this.children.splice(next === null ? this.children.length : this.children.indexOf(next), 0, node);
  }
  remove() {
    const siblings = this.parent?.children ?? [];
    if (siblings.includes(this)) siblings.splice(siblings.indexOf(this), 1);
    this.parent = null;
  }
  replaceChildren(...nodes) {
    this.children = [];
    this.append(...nodes);
  }
  contains(other) {
    return other === this || (other?.parent ? this.contains(other.parent) : false);
  }
  /** Of selectors only those of a tag, of an attribute, or of both. */
  matches(selectors) {
    return selectors.split(", ").some((selector) => {
      const [, tag, attribute, value] = /^(\w*)(?:\[([\w-]+)(?:=([\w-]+))?\])?$/.exec(selector);
      const has = attribute === undefined || (this.hasAttribute(attribute) && (value === undefined || this.attributes.get(attribute) === value));
      return has && (tag === "" || tag === this.tag);
    });
  }
  closest(selectors) {
    return this.matches(selectors) ? this : (this.parent?.closest(selectors) ?? null);
  }
  querySelectorAll(selectors) {
    return this.children.flatMap((child) => [
      ...(child.matches(selectors) ? [child] : []),
      ...child.querySelectorAll(selectors),
    ]);
  }
  querySelector(selectors) {
    return this.querySelectorAll(selectors)[0] ?? null;
  }
}

/** Lets pages make such elements, for as long as the test runs; gives their document, with parts of these ids. */
export function startPage(context, ...ids) {
  const page = Object.assign(new FakeElement("html"), {
    createElement: (tag) => Object.assign(new FakeElement(tag), { textContent: "" }),
    getElementById: (id) => page.querySelector(`[id=${id}]`),
  });
  for (const id of ids) {
    const part = new FakeElement();
    part.setAttribute("id", id);
    page.append(part);
  }
  globalThis.document = page;
  globalThis.window = new EventTarget();
  context.after(() => {
    delete globalThis.document;
    delete globalThis.window;
  });
  return page;
}
