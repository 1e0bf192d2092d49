/**
 * Makes an element. Texts are always text nodes: nothing that comes from the line becomes markup.
 *
 * @param {string} name tag, with classes after dots: `li.item.late`
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function make(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Sets a text only where it differs: a live region speaks on every change. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes `parent`'s children exactly `children`, moving none that is in place, so that focus and scroll stay. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  for (const [index, child] of children.entries()) {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  }
}

/**
 * One element per key, made once and filled anew each time.
 *
 * @param {(key: string) => HTMLElement} create
 */
export function keyed(parent, create) {
  const made = new Map();
  return (keys, fill) => {
    for (const key of made.keys()) if (!keys.includes(key)) made.delete(key);
    for (const key of keys) {
      if (!made.has(key)) made.set(key, create(key));
      fill?.(made.get(key), key);
    }
    arrange(
      parent,
      keys.map((key) => made.get(key)),
    );
  };
}
