/**
 * Puts a function in the place of an object's own.
 * @param make gets the one that was there
 * @returns puts that one back, unless someone else has put theirs on top; then `make`'s stays, and has to step aside itself
 */
export function replace<Name extends PropertyKey, Fn>(
  target: Record<Name, Fn>,
  name: Name,
  make: (original: Fn) => Fn,
): () => void {
  const original = target[name]
  const replacement = make(original)
  target[name] = replacement
  return () => {
    if (target[name] === replacement) target[name] = original
  }
}
